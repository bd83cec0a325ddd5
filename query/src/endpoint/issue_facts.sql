-- What the tables know about issues over their whole life: counts, devices, times (received, Unix ms), versions, and how the latest report read.
-- Parameters: app, platform, issues (hex).
-- Counts come from the projection `issue`; the latest report is found by the primary key.
select hex(issue_id) as issue, occurrences, device_count, first_ms, last_ms, versions,
    exp_name, exp_message, key_frame, category, exception_type, is_system_stack, first_version
from
(
    select issue_id,
        sum(number) as occurrences,
        uniqExactMerge(devices) as device_count,
        toUnixTimestamp64Milli(min(first_at)) as first_ms,
        toUnixTimestamp64Milli(max(last_at)) as last_ms,
        max(last_at) as latest_at,
        argMin(toString(version), first_at) as first_version,
        arraySort(entry -> -entry.5, groupArray((toString(version), number, finalizeAggregation(devices),
            toUnixTimestamp64Milli(first_at), toUnixTimestamp64Milli(last_at)))) as versions
    from
    (
        select issue_id, version, count() as number, uniqExactState(device) as devices,
            min(received_at) as first_at, max(received_at) as last_at
        from occurrences
        where app_id = {app:String} and platform_id = {platform:UInt8}
            and issue_id in (select toFixedString(unhex(arrayJoin({issues:Array(String)})), 16))
        group by issue_id, version
    )
    group by issue_id
) as life
inner join
(
    select issue_id, exp_name, exp_message, key_frame, toString(category) as category, toString(exception_type) as exception_type, is_system_stack
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8} and (issue_id, received_at) in
    (
        select issue_id, max(received_at) from occurrences
        where app_id = {app:String} and platform_id = {platform:UInt8}
            and issue_id in (select toFixedString(unhex(arrayJoin({issues:Array(String)})), 16))
        group by issue_id
    )
    order by issue_id, log_partition desc, log_offset desc
    limit 1 by issue_id
) as latest using issue_id
