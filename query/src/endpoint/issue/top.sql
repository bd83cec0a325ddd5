-- The issues of a window, most affected devices first; ties by count, then by id. The text of reports is read only where keywords are configured.
-- Blocks: target, window, category, versions, countries, aliases.
-- Own: last_hour, split_versions, split_days, zone_seconds (add the devices of versions or days up instead of merging them), system_exit (0 any, 1
-- only, 2 none), keywords, limit.
-- Projections: issue.
with splitByChar(',', {alias_sources:String}) as alias_sources, splitByChar(',', {alias_targets:String}) as alias_targets
select canonical as issue,
    sum(number) as crash_num,
    sum(device_count) as crash_user,
    sum(earlier_number) as earlier_num,
    sum(earlier_device_count) as earlier_user,
    sum(last_hour_device_count) as last_hour_user
from
(
    select shown_as(issue_id, alias_sources, alias_targets) as canonical,
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
            and version_chosen(version, {any_version:Bool}, {versions:String})
            and country_chosen(country, {countries:Array(String)})
        group by issue_id, hour, version_part, day_part
    )
    group by canonical, version_part, day_part
)
where {system_exit:UInt8} = 0 or ({system_exit:UInt8} = 1) = (canonical in
(
    select shown_as(issue_id, alias_sources, alias_targets) from occurrences
    where {system_exit:UInt8} != 0 and notEmpty({keywords:Array(String)})
        and app_id = {app:String} and platform_id = {platform:UInt8} and category = {category:String}
        and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and arrayExists(keyword -> position(concat(exp_name, '\n', exp_message, '\n', key_frame), keyword) > 0, {keywords:Array(String)})
))
group by canonical
having crash_num > 0
order by crash_user desc, crash_num desc, issue
limit {limit:UInt32}
