-- One page of contents: a row per app and content, newest upload first, with its occurrences and the place of its latest report. The documented
-- digest alone does not tell all contents apart: values that hold a `|` may join to one text. '', 0 or an empty list stand for any value.
-- Blocks: apps, error_filter, page.
select hex(digest) as content, occurrences, place.1 as log_partition, place.2 as log_offset, count() over () as found
from
(
    select app_id, digest, content_id,
        count() as occurrences,
        max(received_at) as latest_at,
        argMax((log_partition, log_offset), (received_at, log_partition, log_offset)) as place
    from occurrences
    where (empty({apps:Array(String)}) or app_id in {apps:Array(String)})
        and ({platform:String} = '' or platform = {platform:String})
        and ({level:UInt8} = 0 or level = {level:UInt8})
        and ({version:String} = '' or version = {version:String})
        and ({error_code:String} = '' or error_code = {error_code:String})
        and ({device_id:String} = '' or device_id = {device_id:String})
        and log_day >= {first_day:Date}
        and received_at >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC') and received_at <= fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
        and ({keyword:String} = '' or position(exp_message, {keyword:String}) > 0 or position(call_stack, {keyword:String}) > 0)
    group by app_id, digest, content_id
)
order by latest_at desc, content, content_id, app_id
limit {rows:UInt32} offset {start:UInt32}
