-- The reports at some places of the log.
-- Parameters: contents (digests, hex: the bloom index finds their granules), partitions and offsets (pairwise).
select log_partition, log_offset, content_id, hex(digest) as content, toString(app_id) as app, toString(platform) as platform, toString(version) as version,
    toString(os_name) as os_name, toString(os_version) as os_version, device_id, session_id, user_id, level, toString(error_code) as error_code,
    exp_message as message, client_ip, user_agent, toString(locale) as locale, occurred_at,
    toUnixTimestamp64Milli(received_at) as received_ms
from occurrences
where digest in (select toFixedString(unhex(arrayJoin({contents:Array(String)})), 32))
    and (log_partition, log_offset) in
    (
        select toUInt32(place.1), toUInt64(place.2)
        from (select arrayJoin(arrayZip({partitions:Array(Int64)}, {offsets:Array(Int64)})) as place)
    )
