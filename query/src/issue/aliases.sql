-- The alias facts of an app and platform, in the order of the log.
-- Blocks: target.
select hex(issue_id) as issue, value, author, toUnixTimestamp64Milli(changed_at) as changed_ms
from issue_changes
where app_id = {app:String} and platform_id = {platform:UInt8} and kind = 'alias'
order by log_generation, appended_at, log_partition, log_offset
