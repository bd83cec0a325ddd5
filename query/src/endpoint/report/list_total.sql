-- How many reports of an issue the filters of crash_list.sql leave; same parameters, less the page.
select count() as found
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8}
    and issue_id in (select toFixedString(unhex(arrayJoin(splitByChar(',', {members:String}))), 16))
    and has({categories:Array(String)}, toString(category))
    and (empty({exception_types:Array(String)}) or has({exception_types:Array(String)}, exception_type))
    and ({any_version:Bool} or version in arrayMap(name -> unhex(name), splitByChar(',', {versions:String})))
