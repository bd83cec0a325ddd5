-- Affected and connected devices of the whole window, and of the window before it.
-- Parameters: app, platform, category; before, from, to (UTC; [before, from) is the earlier window); any_version or
-- versions (hex joined by commas); countries (empty = all).
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
        and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
        and (empty({countries:Array(String)}) or country in {countries:Array(String)})
    group by earlier, counted
    union all
    select hour < {from:DateTime('UTC')} as earlier, false as counted, uniqExactState(device) as devices
    from connections
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {before:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
        and (empty({countries:Array(String)}) or country in {countries:Array(String)})
    group by earlier
)
