-- The versions that an app has on a platform, of reports and of connections, less those of more than 256 bytes.
-- Blocks: target, range.
-- Own: most (how many are listed).
-- Projections: trend, counted_trend.
select distinct toString(name) as version
from
(
    select version as name
    from occurrences
    where app_id = {app:String} and platform_id = {platform:UInt8} and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and length(version) <= 256
    group by version
    union all
    select version as name
    from connections
    where app_id = {app:String} and platform_id = {platform:UInt8} and hour >= {from:DateTime('UTC')} and hour < {to:DateTime('UTC')}
        and length(version) <= 256
    group by version
)
limit {most:UInt32}
