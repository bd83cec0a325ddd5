-- The issues of a window, most affected devices first; ties by count, then by id.
-- Parameters: app, platform, category; before, from, to (UTC; [before, from) is the day before the window); last_hour; any_version
-- or versions (hex joined by commas); countries (empty = all); split_versions, split_days, zone_seconds (add the devices of versions
-- or days up instead of merging them); system_exit (0 any, 1 only, 2 none) by keywords; limit; alias_sources, alias_targets (hex joined by
-- commas, pairwise: parts of issues and what they are shown as; '-' = none).
-- Answered from the projection `issue`; the text is read only where keywords are configured.
select canonical as issue,
    sum(number) as crash_num,
    sum(device_count) as crash_user,
    sum(earlier_number) as earlier_num,
    sum(earlier_device_count) as earlier_user,
    sum(last_hour_device_count) as last_hour_user
from
(
    select transform(hex(issue_id), splitByChar(',', {alias_sources:String}), splitByChar(',', {alias_targets:String}), hex(issue_id)) as canonical,
        version_part, day_part,
        sumIf(occurrences, hour >= {from:DateTime('UTC')}) as number,
        uniqExactMergeIf(devices, hour >= {from:DateTime('UTC')}) as device_count,
        sumIf(occurrences, hour < {from:DateTime('UTC')}) as earlier_number,
        uniqExactMergeIf(devices, hour < {from:DateTime('UTC')}) as earlier_device_count,
        uniqExactMergeIf(devices, hour = {last_hour:DateTime('UTC')}) as last_hour_device_count
    from
    (
        select issue_id, hour,
            if({split_versions:Bool}, leftUTF8(toString(version), 128), '') as version_part,
            if({split_days:Bool}, intDiv(toUnixTimestamp(hour) + {zone_seconds:Int32}, 86400), 0) as day_part,
            count() as occurrences,
            uniqExactState(device) as devices
        from occurrences
        where app_id = {app:String} and platform_id = {platform:UInt8} and category = {category:String}
            and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
            and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
            and (empty({countries:Array(String)}) or country in {countries:Array(String)})
        group by issue_id, hour, version_part, day_part
    )
    group by canonical, version_part, day_part
)
where {system_exit:UInt8} = 0 or ({system_exit:UInt8} = 1) = (canonical in
(
    select transform(hex(issue_id), splitByChar(',', {alias_sources:String}), splitByChar(',', {alias_targets:String}), hex(issue_id)) from occurrences
    where {system_exit:UInt8} != 0 and notEmpty({keywords:Array(String)})
        and app_id = {app:String} and platform_id = {platform:UInt8} and category = {category:String}
        and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and arrayExists(keyword -> position(concat(exp_name, '\n', exp_message, '\n', key_frame), keyword) > 0, {keywords:Array(String)})
))
group by canonical
having crash_num > 0
order by crash_user desc, crash_num desc, issue
limit {limit:UInt32}
