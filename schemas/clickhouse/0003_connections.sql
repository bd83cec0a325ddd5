-- Start-ups and heartbeats, unique. Same rules as occurrences. The roll-ups of time begin with the columns of the table's own order, so that a range
-- of hours leaves out no part of the rows that it does not leave out of the roll-up: the engine reads rows where they are fewer marks.
create table if not exists aftershock.connections
(
    log_generation UInt16 comment 'raised by an operator when the topic is made anew',
    log_day Date comment 'UTC day of the append time, the partition',
    log_partition UInt32 comment 'partition of the topic connections',
    log_offset UInt64 comment 'offset in that partition',
    appended_at DateTime64(3, 'UTC') comment 'when the log took the record',
    received_at DateTime64(3, 'UTC') comment 'when the edge took it',
    occurred_at Nullable(Int64) comment 'client clock in Unix ms, as sent',
    event_at DateTime64(3, 'UTC') comment 'occurred_at where credible, else received_at',
    hour DateTime('UTC') comment 'hour of event_at: the connection counts there',
    clock Enum8('client' = 1, 'server' = 2, 'distrusted' = 3) comment 'whose clock event_at is',
    connection_id FixedString(16) comment 'equality of delivery',
    event_id String comment 'the client''s own id of the event',
    app_id LowCardinality(String) comment 'tenant''s application',
    dialect LowCardinality(String) comment 'wire protocol it came by',
    kind Enum8('start' = 1, 'heartbeat' = 2) comment 'starts count in accessNum',
    platform_id UInt8 comment '1 Android, 2 iOS, 10 PC',
    version LowCardinality(String) comment 'app version',
    device_id String comment 'device, as sent',
    device Nullable(UInt64) comment 'hash of app and device_id, by which devices are counted',
    user_id String comment 'user, as sent',
    country LowCardinality(String) comment 'ISO code or name, as sent',
    is_emulator Bool comment 'emulator, false where not said',
    model LowCardinality(String) comment 'device model',
    os_version LowCardinality(String) comment 'version of the operating system',
    client_ip String comment 'address it came from',
    extra String comment 'JSON of the fields that the dialect does not know',

    index connection_id connection_id type bloom_filter(0.001) granularity 1,
    index device_id device_id type bloom_filter(0.01) granularity 1,
    index user_id user_id type bloom_filter(0.01) granularity 1,
    index log_offset log_offset type minmax granularity 1,

    projection trend
    (
        select app_id, platform_id, hour, kind, version, country, is_emulator, count(), uniqExactState(device)
        group by app_id, platform_id, hour, kind, version, country, is_emulator
    ),
    projection model
    (
        select app_id, platform_id, hour, kind, model, os_version, count(), uniqExactState(device)
        group by app_id, platform_id, hour, kind, model, os_version
    ),
    projection position
    (
        select log_generation, log_partition, max(log_offset)
        group by log_generation, log_partition
    )
)
engine = MergeTree
partition by log_day
order by (app_id, platform_id, hour, log_partition, log_offset)
settings non_replicated_deduplication_window = 10000
