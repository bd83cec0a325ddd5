-- One page of an app's issues. Counts and times are those of the whole life of the issue, whatever the filters. The exception types are read from
-- the rows, only where they are asked for; so is all the rest where the rows are fewer marks than the projection.
-- Blocks: target, exception_types, versions (issues seen in such a version), issue_filter, page, aliases.
-- Preferred projections: issue.
with splitByChar(',', {alias_sources:String}) as alias_sources, splitByChar(',', {alias_targets:String}) as alias_targets
select canonical as issue, count() over () as found
from
(
    select shown_as(issue_id, alias_sources, alias_targets) as canonical,
        sum(number) as occurrences,
        uniqExactMerge(devices) as device_count,
        toUnixTimestamp64Milli(min(first_at)) as first_ms,
        toUnixTimestamp64Milli(max(last_at)) as last_ms,
        max(is_meant) as seen_in_version
    from
    (
        select issue_id, version_chosen(version, {any_version:Bool}, {versions:String}) as is_meant,
            count() as number, uniqExactState(device) as devices, min(received_at) as first_at, max(received_at) as last_at
        from occurrences
        where app_id = {app:String} and platform_id = {platform:UInt8} and has({categories:Array(String)}, toString(category))
        group by issue_id, is_meant
    )
    group by canonical
) as life
left join
(
    select hex(issue_id) as canonical,
        toInt64(JSONExtractInt(argMaxIf(value, (changed_at, log_partition, log_offset), kind = 'status'), 'status')) as status,
        countIf(kind = 'ticket') as tickets
    from issue_changes
    where app_id = {app:String} and platform_id = {platform:UInt8} and kind in ('status', 'ticket')
    group by canonical
) as stated using canonical
where seen_in_version
    and (empty({statuses:Array(Int64)}) or has({statuses:Array(Int64)}, status))
    and last_ms >= {last_from:Int64} and first_ms >= {first_from:Int64} and first_ms <= {first_to:Int64}
    and ({ticket:UInt8} = 0 or (tickets > 0) = ({ticket:UInt8} = 1))
    and (empty({exception_types:Array(String)}) or canonical in
    (
        select shown_as(issue_id, alias_sources, alias_targets) from occurrences
        where notEmpty({exception_types:Array(String)}) and app_id = {app:String} and platform_id = {platform:UInt8}
            and has({exception_types:Array(String)}, exception_type)
    ))
order by
    multiIf({sort:String} = 'first', first_ms, {sort:String} = 'devices', toInt64(device_count), {sort:String} = 'count', toInt64(occurrences), last_ms)
        * if({descending:Bool}, -1, 1),
    issue
limit {rows:UInt32} offset {start:UInt32}
