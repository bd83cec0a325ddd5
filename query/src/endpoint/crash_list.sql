-- One page of an issue's reports, newest upload first.
-- Parameters: app, platform, members (the issue and its parts, hex joined by commas), categories, exception_types (empty = all of the
-- categories), any_version or versions and version_patterns (regular expressions), start, rows.
select hex(report_id) as report, toString(version) as version, toString(model) as model, toUnixTimestamp64Milli(received_at) as received_ms,
    toUnixTimestamp64Milli(event_at) as event_ms, toString(os_version) as os_version, device_id, user_id, toString(gpu) as gpu,
    toString(cpu_name) as cpu_name, toString(country) as country, mem_size, free_mem, elapsed_time, call_stack, exp_name, exp_message, key_frame
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
    and has({categories:Array(String)}, toString(category))
    and (empty({exception_types:Array(String)}) or has({exception_types:Array(String)}, exception_type))
    and ({any_version:Bool} or has({versions:Array(String)}, version)
        or arrayExists(pattern -> match(version, pattern), {version_patterns:Array(String)}))
order by received_at desc, log_partition desc, log_offset desc
limit {rows:UInt32} offset {start:UInt32}
