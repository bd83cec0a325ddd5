-- Which of some issues have reports, and their category.
-- Blocks: target.
-- Own: issues (hex, joined by commas).
select hex(issue_id) as issue, toString(any(category)) as category
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {issues:String}))), 16))
group by issue_id
