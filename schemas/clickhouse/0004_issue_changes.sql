-- What people stated about issues: status, notes, tags, tickets, aliases. Never expires.
create table if not exists aftershock.issue_changes
(
    log_generation UInt16 comment 'raised by an operator when the topic is made anew',
    log_day Date comment 'UTC day of the append time',
    log_partition UInt32 comment 'partition of the topic issue-changes',
    log_offset UInt64 comment 'offset in that partition',
    appended_at DateTime64(3, 'UTC') comment 'when the log took the record',
    change_id FixedString(16) comment 'equality of delivery',
    app_id LowCardinality(String) comment 'tenant''s application',
    platform_id UInt8 comment '1 Android, 2 iOS, 10 PC',
    issue_id FixedString(16) comment 'the issue it is about',
    kind LowCardinality(String) comment 'status, note, tag, ticket, alias',
    value String comment 'JSON, its shape depends on the kind',
    author String comment 'id of the user who stated it',
    changed_at DateTime64(3, 'UTC') comment 'when it was stated',

    index change_id change_id type bloom_filter(0.001) granularity 1,

    projection position
    (
        select log_generation, log_partition, max(log_offset)
        group by log_generation, log_partition
    )
)
engine = MergeTree
order by (app_id, platform_id, issue_id, kind, log_partition, log_offset)
settings non_replicated_deduplication_window = 10000
