-- The reports at some places of the log. Long texts are cut, at a character. The bloom index on digest finds the granules.
-- Own: contents (digests, hex), partitions, offsets (pairwise).
select log_partition, log_offset, content_id, hex(occurrences.digest) as content, leftUTF8(toString(app_id), 128) as app, leftUTF8(toString(occurrences.platform), 128) as platform,
    leftUTF8(toString(occurrences.version), 128) as version, leftUTF8(toString(os_name), 128) as os_name, leftUTF8(toString(os_version), 128) as os_version,
    leftUTF8(device_id, 256) as device_id, leftUTF8(session_id, 256) as session_id, leftUTF8(user_id, 256) as user_id, level,
    leftUTF8(toString(error_code), 128) as error_code, leftUTF8(exp_message, 1024) as message, leftUTF8(client_ip, 128) as client_ip,
    leftUTF8(user_agent, 512) as user_agent, leftUTF8(toString(locale), 128) as locale, occurred_at, toUnixTimestamp64Milli(received_at) as received_ms
from occurrences
where digest in (select toFixedString(unhex(arrayJoin({contents:Array(String)})), 32))
    and (log_partition, log_offset) in
    (
        select toUInt32(place.1), toUInt64(place.2)
        from (select arrayJoin(arrayZip({partitions:Array(Int64)}, {offsets:Array(Int64)})) as place)
    )
