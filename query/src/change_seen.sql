-- Whether a change is in the tables. The bloom index on change_id finds the granule.
-- Own: change (hex).
select count() as found
from issue_changes
where change_id = toFixedString(unhex({change:String}), 16)
