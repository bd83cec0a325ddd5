-- Whether a change is in the tables.
-- Parameters: change (hex). The bloom index on change_id finds the granule.
select count() as found
from issue_changes
where change_id = toFixedString(unhex({change:String}), 16)
