-- Affected and connected devices of the whole window, and of the window before it.
-- Blocks: target, window, category, versions, countries.
-- Projections: trend, counted_trend.
select
    uniqExactMergeIf(devices, counted and not earlier) as crash_devices,
    uniqExactMergeIf(devices, not earlier) as access_devices,
    uniqExactMergeIf(devices, counted and earlier) as earlier_crash_devices,
    uniqExactMergeIf(devices, earlier) as earlier_access_devices
from
(
    select hour < {from:DateTime('UTC')} as earlier, category = {category:String} as counted, uniqExactState(device) as devices
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and version_chosen(version, {any_version:Bool}, {versions:String})
        and country_chosen(country, {countries:Array(String)})
    group by earlier, counted
    union all
    select hour < {from:DateTime('UTC')} as earlier, false as counted, uniqExactState(device) as devices
    from connections
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and version_chosen(version, {any_version:Bool}, {versions:String})
        and country_chosen(country, {countries:Array(String)})
    group by earlier
)
