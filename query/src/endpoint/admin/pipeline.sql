-- Append time (Unix ms) of the last row of each log partition, for the four tables that are made from a topic each. The index on log_offset finds
-- the rows.
select 'raw-reports' as topic, log_partition, toUnixTimestamp64Milli(max(appended_at)) as appended_ms
from occurrences
where (log_partition, log_offset) in (select log_partition, max(log_offset) from occurrences group by log_partition)
group by log_partition
union all
select 'connections' as topic, log_partition, toUnixTimestamp64Milli(max(appended_at)) as appended_ms
from connections
where (log_partition, log_offset) in (select log_partition, max(log_offset) from connections group by log_partition)
group by log_partition
union all
select 'issue-changes' as topic, log_partition, toUnixTimestamp64Milli(max(appended_at)) as appended_ms
from issue_changes
where (log_partition, log_offset) in (select log_partition, max(log_offset) from issue_changes group by log_partition)
group by log_partition
union all
select 'rejected-reports' as topic, log_partition, toUnixTimestamp64Milli(max(appended_at)) as appended_ms
from rejected_reports
where (log_partition, log_offset) in (select log_partition, max(log_offset) from rejected_reports group by log_partition)
group by log_partition
