-- What the tables know about issues over their whole life: counts, devices, times (received, Unix ms), versions, and how the latest report read.
-- Parameters: app, platform; members (the issues and their parts, hex joined by commas); alias_sources, alias_targets (likewise, pairwise: parts
-- and what they are shown as; '-' = none).
-- Counts come from the projection `issue`; the latest report is found by the primary key.
select canonical as issue, occurrences, device_count, first_ms, last_ms, versions,
    exp_name, exp_message, key_frame, category, exception_type, is_system_stack, first_version
from
(
    select canonical,
        sum(number) as occurrences,
        uniqExactMerge(devices) as device_count,
        toUnixTimestamp64Milli(min(first_at)) as first_ms,
        toUnixTimestamp64Milli(max(last_at)) as last_ms,
        argMin(toString(version), first_at) as first_version,
        arraySort(entry -> -entry.5, groupArray((toString(version), number, finalizeAggregation(devices),
            toUnixTimestamp64Milli(first_at), toUnixTimestamp64Milli(last_at)))) as versions
    from
    (
        select transform(hex(issue_id), splitByChar(',', {alias_sources:String}), splitByChar(',', {alias_targets:String}), hex(issue_id)) as canonical,
            version, sum(counted) as number, uniqExactMergeState(device_state) as devices, min(earliest) as first_at, max(latest) as last_at
        from
        (
            select issue_id, version, count() as counted, uniqExactState(device) as device_state,
                min(received_at) as earliest, max(received_at) as latest
            from occurrences
            where app_id = {app:String} and platform_id = {platform:UInt8}
                and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
            group by issue_id, version
        )
        group by canonical, version
    )
    group by canonical
) as life
inner join
(
    select transform(hex(issue_id), splitByChar(',', {alias_sources:String}), splitByChar(',', {alias_targets:String}), hex(issue_id)) as canonical,
        exp_name, exp_message, key_frame, toString(category) as category, toString(exception_type) as exception_type, is_system_stack
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8} and (issue_id, received_at) in
    (
        select issue_id, max(received_at) from occurrences
        where app_id = {app:String} and platform_id = {platform:UInt8}
            and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
        group by issue_id
    )
    order by canonical, received_at desc, log_partition desc, log_offset desc
    limit 1 by canonical
) as latest using canonical
