-- The latest report with one content, and how many there are.
-- Parameters: content_id. The bloom index on content_id finds the granules.
select hex(digest) as content, log_partition, log_offset, call_stack, context,
    assumeNotNull((select count() from occurrences where content_id = {content_id:UInt64})) as occurrences
from occurrences
where content_id = {content_id:UInt64}
order by received_at desc, log_partition desc, log_offset desc
limit 1
