-- How many reports of an issue the filters of list.sql leave.
-- Blocks: target, members, exception_types, versions.
select count() as found
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
    and has({categories:Array(String)}, toString(category))
    and (empty({exception_types:Array(String)}) or has({exception_types:Array(String)}, exception_type))
    and version_chosen(version, {any_version:Bool}, {versions:String})
