-- Distinct devices that were connected (by starts or heartbeats, on any platform) on a day, in the week and in the month that end with it:
-- a row for all versions together (`whole`), and one for each of the 10,000 versions with the most of them. A device without a name does not count.
-- Own: app, month, week, day (UTC, when each begins), to (UTC, when all of them end).
-- Projections: counted_trend.
select toBool(grouping(version_part) = 1) as whole, toString(version_part) as version,
    uniqExactMergeIf(devices, age = 0) as dau,
    uniqExactMergeIf(devices, age <= 1) as wau,
    uniqExactMerge(devices) as mau
from
(
    select leftUTF8(toString(version), 128) as version_part,
        multiIf(hour >= {day:DateTime('UTC')}, 0, hour >= {week:DateTime('UTC')}, 1, 2) as age,
        uniqExactState(device) as devices
    from connections
    where app_id = {app:String} and hour >= {month:DateTime('UTC')} and hour < {to:DateTime('UTC')}
    group by version_part, age
)
group by grouping sets ((version_part), ())
having mau > 0
order by whole desc, mau desc, version
limit 10001
