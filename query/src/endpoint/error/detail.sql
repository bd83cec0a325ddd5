-- The latest report with one content among some apps, and how many there are of its app. The bloom index on content_id finds the granules.
-- Blocks: apps.
-- Own: content_id.
select hex(digest) as content, log_partition, log_offset, call_stack, context, counts.occurrences as occurrences
from occurrences
inner join
(
    select app_id, count() as occurrences
    from occurrences
    where content_id = {content_id:UInt64} and (empty({apps:Array(String)}) or app_id in {apps:Array(String)})
    group by app_id
) as counts using app_id
where content_id = {content_id:UInt64}
order by received_at desc, log_partition desc, log_offset desc
limit 1
