-- Dead letters, once per position of the record that was rejected, the record itself is kept whole.
create table if not exists aftershock.rejected_reports
(
    log_generation UInt16 comment 'raised by an operator when the topic is made anew',
    log_day Date comment 'UTC day of the append time, the partition',
    log_partition UInt32 comment 'partition of the topic rejected-reports',
    log_offset UInt64 comment 'offset in that partition',
    appended_at DateTime64(3, 'UTC') comment 'when the log took the dead letter',
    letter_id FixedString(16) comment 'hash of the source position: equality of dead letters',
    source_topic LowCardinality(String) comment 'topic of the rejected record',
    source_partition UInt32 comment 'its partition',
    source_offset UInt64 comment 'its offset',
    source_appended_at DateTime64(3, 'UTC') comment 'when the log took the rejected record',
    reason LowCardinality(String) comment 'stable code',
    message String comment 'what was wrong',
    key String comment 'key of the record, hex' codec(ZSTD(1)),
    payload String comment 'the record, Base64' codec(ZSTD(1)),

    index letter_id letter_id type bloom_filter(0.001) granularity 1,

    projection position
    (
        select log_generation, log_partition, max(log_offset)
        group by log_generation, log_partition
    )
)
engine = MergeTree
partition by log_day
order by (source_topic, source_partition, source_offset)
settings non_replicated_deduplication_window = 10000
