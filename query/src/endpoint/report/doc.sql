-- One report, whole. The bloom index on report_id finds the granule.
-- Blocks: target, report.
select hex(report_id) as report, hex(issue_id) as issue, event_id, grouping_version, grouping_rules, toString(grouping_basis) as grouping_basis,
    grouping_parts, signature, toString(kind) as kind, hex(fingerprint) as fingerprint, is_system_stack, key_frame,
    toString(version) as version, toString(build_number) as build_number, toString(bundle_id) as bundle_id,
    toString(channel_id) as channel_id, toString(sdk_version) as sdk_version, toString(category) as category,
    toString(exception_type) as exception_type, exp_name, exp_message, call_stack, thread_name, toString(process_name) as process_name, threads,
    device_id, user_id, session_id, toString(model) as model, toString(brand) as brand, toString(os_name) as os_name,
    toString(os_version) as os_version, toString(rom) as rom, toString(cpu_type) as cpu_type, toString(cpu_name) as cpu_name,
    toString(gpu) as gpu, toString(country) as country, toString(apn) as apn, is_rooted, is_emulator, in_background,
    mem_size, free_mem, disk_size, free_storage, battery, elapsed_time, toString(scene_tag) as scene_tag,
    user_key, server_key, user_logs, sys_logs, attachments, attachment_names, client_ip,
    toUnixTimestamp64Milli(received_at) as received_ms, toUnixTimestamp64Milli(event_at) as event_ms, occurred_at
from occurrences
where app_id = {app:String} and platform_id = {platform:UInt8} and report_id = toFixedString(unhex({report:String}), 16)
limit 1
