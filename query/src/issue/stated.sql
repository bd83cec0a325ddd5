-- What people stated about issues, oldest first.
-- Blocks: target.
-- Own: issues (hex).
select hex(issue_id) as issue, toString(kind) as kind, value, author, toUnixTimestamp64Milli(changed_at) as changed_ms
from issue_changes
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin({issues:Array(String)})), 16))
order by changed_at, log_partition, log_offset
