-- Counts and distinct devices inside each day of the zone; `bucket` = days since `from`, which is a midnight there.
-- Parameters: app, platform, category; from, to (UTC, half open); vm (0 all, 1 real devices, 2 emulators);
-- any_version or versions (hex joined by commas); countries (empty = all); by_version, by_country (a row each, or '').
-- Answered from the projections `trend` and `counted_trend`: a connected device is one of connections of both kinds and of reports of every category.
select toUInt32(bucket) as bucket, toString(version_part) as version, toString(country_part) as country,
    sumIf(number, role = 'counted') as crash_num,
    uniqExactMergeIf(devices, role = 'counted') as crash_user,
    sumIf(number, role = 'start') as access_num,
    uniqExactMerge(devices) as access_user
from
(
    select intDiv(toUnixTimestamp(hour) - toUnixTimestamp({from:DateTime('UTC')}), 86400) as bucket,
        if({by_version:Bool}, version, '') as version_part,
        if({by_country:Bool}, country, '') as country_part,
        if(category = {category:String}, 'counted', 'other') as role,
        count() as number,
        uniqExactState(device) as devices
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and ({vm:UInt8} = 0 or is_emulator = ({vm:UInt8} = 2))
        and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
        and (empty({countries:Array(String)}) or country in {countries:Array(String)})
    group by bucket, version_part, country_part, role
    union all
    select intDiv(toUnixTimestamp(hour) - toUnixTimestamp({from:DateTime('UTC')}), 86400) as bucket,
        if({by_version:Bool}, version, '') as version_part,
        if({by_country:Bool}, country, '') as country_part,
        toString(kind) as role,
        sum(count) as number,
        uniqExactState(device) as devices
    from connections
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and ({vm:UInt8} = 0 or is_emulator = ({vm:UInt8} = 2))
        and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
        and (empty({countries:Array(String)}) or country in {countries:Array(String)})
    group by bucket, version_part, country_part, role
)
group by bucket, version_part, country_part
order by bucket, version, country
