-- One page of an issue's reports, newest upload first. Long texts are cut, at a character; `truncated` names those.
-- Blocks: target, members, exception_types, versions, page.
select hex(report_id) as report, leftUTF8(toString(occurrences.version), 128) as version, leftUTF8(toString(model), 128) as model,
    toUnixTimestamp64Milli(received_at) as received_ms, toUnixTimestamp64Milli(event_at) as event_ms,
    leftUTF8(toString(os_version), 128) as os_version, leftUTF8(device_id, 256) as device_id, leftUTF8(user_id, 256) as user_id,
    leftUTF8(toString(gpu), 128) as gpu, leftUTF8(toString(cpu_name), 128) as cpu_name, leftUTF8(toString(country), 128) as country,
    mem_size, free_mem, elapsed_time, leftUTF8(occurrences.call_stack, 4096) as call_stack, leftUTF8(occurrences.exp_name, 512) as exp_name,
    leftUTF8(occurrences.exp_message, 1024) as exp_message, leftUTF8(occurrences.key_frame, 512) as key_frame,
    arrayConcat(if(length(occurrences.call_stack) > length(call_stack), ['callStack'], []),
        if(length(occurrences.exp_message) > length(exp_message), ['expMessage'], []),
        if(length(occurrences.exp_name) > length(exp_name), ['expName'], []),
        if(length(occurrences.key_frame) > length(key_frame), ['keyStack'], [])) as truncated
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
    and has({categories:Array(String)}, toString(category))
    and (empty({exception_types:Array(String)}) or has({exception_types:Array(String)}, exception_type))
    and version_chosen(occurrences.version, {any_version:Bool}, {versions:String})
order by received_at desc, log_partition desc, log_offset desc
limit {rows:UInt32} offset {start:UInt32}
