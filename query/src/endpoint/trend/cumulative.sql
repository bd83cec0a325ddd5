-- Counts and distinct devices from 00:00 of the day to the end of each hour; `bucket` = hours since `from`, which is a midnight of the zone.
-- Device states are merged over the hours of a day, so a device counts once a day, not once an hour. A connected device is one of connections of
-- both kinds and of reports of every category.
-- Blocks: target, range, category, device_kind, versions, countries, dimensions.
-- Own: bucket_seconds (3600).
-- Projections: trend, counted_trend.
select toUInt32(bucket) as bucket, toString(version_part) as version, toString(country_part) as country,
    toUInt64(sum(crash_number) over day_so_far) as crash_num,
    uniqExactMerge(crash_devices) over day_so_far as crash_user,
    toUInt64(sum(access_number) over day_so_far) as access_num,
    uniqExactMerge(access_devices) over day_so_far as access_user
from
(
    select bucket, version_part, country_part,
        sumIf(number, role = 'counted') as crash_number,
        uniqExactMergeStateIf(devices, role = 'counted') as crash_devices,
        sumIf(number, role = 'start') as access_number,
        uniqExactMergeState(devices) as access_devices
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
)
window day_so_far as (partition by version_part, country_part, intDiv(bucket, 24) order by bucket)
order by bucket, version, country
