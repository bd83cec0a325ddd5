-- The roll-ups know how many rows there are, and how many these say they are.
alter table aftershock.connections
    add projection if not exists counted_trend
    (
        select app_id, platform_id, hour, kind, version, country, is_emulator, count(), sum(count), uniqExactState(device)
        group by app_id, platform_id, hour, kind, version, country, is_emulator
    ),
    add projection if not exists counted_model
    (
        select app_id, platform_id, hour, kind, model, os_version, count(), sum(count), uniqExactState(device)
        group by app_id, platform_id, hour, kind, model, os_version
    )
