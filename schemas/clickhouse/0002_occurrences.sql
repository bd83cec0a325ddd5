-- Unique reports, each in its issue. One slice of the log is one part, the roll-ups are projections, written inside the part of their rows,
-- so facts and roll-ups cannot disagree. Distinct devices are kept as mergeable states, NULL = the client named no device.
create table if not exists aftershock.occurrences
(
    log_generation UInt16 comment 'raised by an operator when the topic is made anew',
    log_day Date comment 'UTC day of the append time, the partition',
    log_partition UInt32 comment 'partition of the topic raw-reports',
    log_offset UInt64 comment 'offset in that partition',
    appended_at DateTime64(3, 'UTC') comment 'when the log took the record',
    received_at DateTime64(3, 'UTC') comment 'when the edge took the report',
    occurred_at Nullable(Int64) comment 'client clock in Unix ms, as sent',
    event_at DateTime64(3, 'UTC') comment 'occurred_at where credible, else received_at',
    hour DateTime('UTC') comment 'hour of event_at: the report counts there',
    clock Enum8('client' = 1, 'server' = 2, 'distrusted' = 3) comment 'whose clock event_at is: sent and credible, not sent, sent but not credible',
    report_id FixedString(16) comment 'equality of delivery',
    event_id String comment 'the client''s own id of the event',
    digest FixedString(32) comment 'equality of content',
    content_id UInt64 comment 'number below 2^53 made of the digest',
    issue_id FixedString(16) comment 'all occurrences of one fingerprint in an app, platform and category',
    fingerprint FixedString(16) comment 'what makes two crashes the same bug',
    grouping_version UInt16 comment 'version of the grouping rules',
    signature String comment 'readable form of the fingerprint',
    key_frame String comment 'the frame that stands for the issue',
    kind LowCardinality(String) comment 'what was recognised: exception, native, oom, anr, message',
    is_system_stack Bool comment 'the key frames are system frames only',
    stack_hash UInt64 comment 'hash of all frames',
    app_stack_hash UInt64 comment 'hash of the application''s frames',
    message_hash UInt64 comment 'hash of the normalised message',
    grouping_parts String comment 'JSON: what went into the fingerprint',
    app_id LowCardinality(String) comment 'tenant''s application',
    dialect LowCardinality(String) comment 'wire protocol it came by',
    platform_id UInt8 comment '1 Android, 2 iOS, 10 PC',
    platform LowCardinality(String) comment 'platform as sent',
    category Enum8('crash' = 1, 'anr' = 2, 'error' = 3) comment 'kind of exception',
    exception_type LowCardinality(String) comment 'member of the category',
    version LowCardinality(String) comment 'app version',
    build_number LowCardinality(String) comment 'build of the app',
    bundle_id LowCardinality(String) comment 'package or bundle name',
    channel_id LowCardinality(String) comment 'distribution channel',
    sdk_version LowCardinality(String) comment 'version of the reporting SDK',
    device_id String comment 'device, as sent',
    device Nullable(UInt64) comment 'hash of app and device_id, by which devices are counted',
    user_id String comment 'user, as sent',
    session_id String comment 'session, as sent',
    exp_name String comment 'class of the exception',
    exp_message String comment 'text of the exception',
    call_stack String comment 'stack as the runtime printed it' codec(ZSTD(1)),
    thread_name String comment 'thread that failed',
    process_name LowCardinality(String) comment 'process that failed',
    threads String comment 'JSON: the other threads' codec(ZSTD(1)),
    client_fingerprint Array(String) comment 'the client''s own grouping',
    model LowCardinality(String) comment 'device model',
    brand LowCardinality(String) comment 'device brand',
    os_name LowCardinality(String) comment 'operating system',
    os_version LowCardinality(String) comment 'version of the operating system',
    rom LowCardinality(String) comment 'vendor''s system image',
    cpu_type LowCardinality(String) comment 'instruction set',
    cpu_name LowCardinality(String) comment 'processor',
    gpu LowCardinality(String) comment 'graphics processor',
    country LowCardinality(String) comment 'ISO code or name, as sent',
    apn LowCardinality(String) comment 'network type',
    is_rooted Nullable(Bool) comment 'rooted or jailbroken',
    is_emulator Bool comment 'emulator, false where not said',
    in_background Nullable(Bool) comment 'the app was in the background',
    oom Nullable(Bool) comment 'out of memory, as sent',
    mem_size Nullable(Int64) comment 'bytes of memory',
    free_mem Nullable(Int64) comment 'bytes of free memory',
    disk_size Nullable(Int64) comment 'bytes of storage',
    free_storage Nullable(Int64) comment 'bytes of free storage',
    battery Nullable(Int64) comment 'percent',
    elapsed_time Nullable(Int64) comment 'ms since launch',
    scene_tag LowCardinality(String) comment 'scene of the app',
    tags Array(String) comment 'tags of the report',
    user_key Map(String, String) comment 'custom key-values of the client',
    server_key Map(String, String) comment 'custom key-values of the server',
    user_logs String comment 'custom log' codec(ZSTD(1)),
    sys_logs String comment 'system log' codec(ZSTD(1)),
    attachments String comment 'JSON: name and Base64 data of each file' codec(ZSTD(1)),
    attachment_names Array(String) comment 'names of the files, stay when the bodies go',
    level UInt8 comment '1 fatal, 2 error, 3 warn, 4 info, 0 not given',
    error_code LowCardinality(String) comment 'business or system code',
    client_ip String comment 'address the report came from',
    user_agent String comment 'of the request',
    locale LowCardinality(String) comment 'of the request',
    context String comment 'JSON as sent' codec(ZSTD(1)),
    extra String comment 'JSON of the fields that the dialect does not know' codec(ZSTD(1)),
    truncated Array(String) comment 'names of the fields that were cut',

    index report_id report_id type bloom_filter(0.001) granularity 1,
    index digest digest type bloom_filter(0.01) granularity 1,
    index content_id content_id type bloom_filter(0.01) granularity 1,
    index device_id device_id type bloom_filter(0.01) granularity 1,
    index user_id user_id type bloom_filter(0.01) granularity 1,
    index log_offset log_offset type minmax granularity 1,

    projection trend
    (
        select app_id, platform_id, category, hour, version, country, is_emulator, count(), uniqExactState(device)
        group by app_id, platform_id, category, hour, version, country, is_emulator
    ),
    projection issue
    (
        select app_id, platform_id, category, issue_id, hour, version, country,
            count(), uniqExactState(device), min(event_at), max(event_at), min(received_at), max(received_at)
        group by app_id, platform_id, category, issue_id, hour, version, country
    ),
    projection model
    (
        select app_id, platform_id, category, hour, model, os_version, count(), uniqExactState(device)
        group by app_id, platform_id, category, hour, model, os_version
    ),
    projection position
    (
        select log_generation, log_partition, max(log_offset)
        group by log_generation, log_partition
    )
)
engine = MergeTree
partition by log_day
order by (app_id, platform_id, issue_id, received_at, log_partition, log_offset)
settings non_replicated_deduplication_window = 10000
