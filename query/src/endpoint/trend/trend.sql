-- Counts and distinct devices inside each bucket of time; `bucket` = buckets since `from`. A connected device is one of connections of both kinds
-- and of reports of every category.
-- Blocks: target, range, category, device_kind, versions, countries, dimensions.
-- Own: bucket_seconds (3600 for hours; 86400 for days, whose `from` is a midnight of the zone).
-- Projections: trend, counted_trend.
select toUInt32(bucket) as bucket, toString(version_part) as version, toString(country_part) as country,
    sumIf(number, role = 'counted') as crash_num,
    uniqExactMergeIf(devices, role = 'counted') as crash_user,
    sumIf(number, role = 'start') as access_num,
    uniqExactMerge(devices) as access_user
from
(
    select intDiv(toUnixTimestamp(hour) - toUnixTimestamp({from:DateTime('UTC')}), {bucket_seconds:UInt32}) as bucket,
        if({by_version:Bool}, version, '') as version_part,
        if({by_country:Bool}, country, '') as country_part,
        if(category = {category:String}, 'counted', 'other') as role,
        count() as number,
        uniqExactState(device) as devices
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and device_chosen(is_emulator, {vm:UInt8})
        and version_chosen(version, {any_version:Bool}, {versions:String})
        and country_chosen(country, {countries:Array(String)})
    group by bucket, version_part, country_part, role
    union all
    select intDiv(toUnixTimestamp(hour) - toUnixTimestamp({from:DateTime('UTC')}), {bucket_seconds:UInt32}) as bucket,
        if({by_version:Bool}, version, '') as version_part,
        if({by_country:Bool}, country, '') as country_part,
        toString(kind) as role,
        sum(count) as number,
        uniqExactState(device) as devices
    from connections
    where app_id = {app:String} and platform_id = {platform:UInt8}
        and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and device_chosen(is_emulator, {vm:UInt8})
        and version_chosen(version, {any_version:Bool}, {versions:String})
        and country_chosen(country, {countries:Array(String)})
    group by bucket, version_part, country_part, role
)
group by bucket, version_part, country_part
order by bucket, version, country
