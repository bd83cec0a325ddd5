-- How far the changes of issues are in the tables: the highest offset of each partition of each generation of the log. The projection `position` has
-- them.
select log_generation, log_partition, max(log_offset) as highest
from issue_changes
group by log_generation, log_partition
order by log_generation, log_partition
