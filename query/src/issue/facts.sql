-- What the tables know about issues over their whole life: counts, devices, times (received, Unix ms), the 100 latest versions, and how the
-- latest report read. Versions and texts are cut at a character, so that what is stored takes bounded memory. Counts come from the projection `issue`
-- or from the rows, whichever are fewer marks; the latest report is found by the
-- primary key.
-- Blocks: target, members, aliases.
with splitByChar(',', {alias_sources:String}) as alias_sources, splitByChar(',', {alias_targets:String}) as alias_targets
select canonical as issue, occurrences, device_count, first_ms, last_ms, versions,
    exp_name, exp_message, key_frame, category, exception_type, is_system_stack, first_version
from
(
    select canonical,
        sum(number) as occurrences,
        uniqExactMerge(devices) as device_count,
        toUnixTimestamp64Milli(min(first_at)) as first_ms,
        toUnixTimestamp64Milli(max(last_at)) as last_ms,
        argMin(version, first_at) as first_version,
        arrayMap(entry -> (entry.3, entry.4, entry.5, -entry.2, -entry.1), groupArraySorted(100)((-toUnixTimestamp64Milli(last_at),
            -toUnixTimestamp64Milli(first_at), version, number, finalizeAggregation(devices)))) as versions
    from
    (
        select shown_as(issue_id, alias_sources, alias_targets) as canonical,
            version, sum(counted) as number, uniqExactMergeState(device_state) as devices, min(earliest) as first_at, max(latest) as last_at
        from
        (
            select issue_id, leftUTF8(toString(version), 128) as version, count() as counted, uniqExactState(device) as device_state,
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
    select shown_as(issue_id, alias_sources, alias_targets) as canonical,
        leftUTF8(exp_name, 512) as exp_name, leftUTF8(exp_message, 1024) as exp_message, leftUTF8(key_frame, 512) as key_frame,
        toString(category) as category, leftUTF8(toString(exception_type), 128) as exception_type, is_system_stack
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
