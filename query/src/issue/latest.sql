-- The latest report of each of an app's issues, those with the latest reports first.
-- Own: app, most (how many issues).
select hex(issue_id) as issue, toUnixTimestamp64Milli(first_at) as first_ms, platform_id, toString(category) as category, exp_name, exp_message,
    call_stack, toString(platform) as platform_text, toString(version) as app_version
from occurrences inner join
(
    select issue_id, min(received_at) as first_at, max(received_at) as last_at
    from occurrences where app_id = {app:String} group by issue_id order by last_at desc limit {most:UInt32}
) as life using issue_id
where app_id = {app:String} and received_at = last_at
order by issue_id, log_partition desc, log_offset desc limit 1 by issue_id
