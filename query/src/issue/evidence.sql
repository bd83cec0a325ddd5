-- What the reports of an app say of the issues they are in, by grouping and stack: evidence that two issues are one bug under two names.
-- Own: app.
select hex(issue_id) as issue, grouping_version, grouping_rules, platform_id, toString(category) as category, toString(kind) as kind, exp_name,
    app_stack_hash, stack_hash, max(startsWith(grouping_basis, 'rule ') or notEmpty(client_fingerprint)) as is_chosen,
    toUnixTimestamp64Milli(min(received_at)) as first_ms, groupUniqArray(toString(version)) as versions
from occurrences
where app_id = {app:String} and not is_system_stack and notEmpty(key_frame) and notEmpty(exp_name)
group by issue_id, grouping_version, grouping_rules, platform_id, category, kind, exp_name, app_stack_hash, stack_hash
