-- Whether a device is of the kind a query asks for: 0 all, 1 real devices, 2 emulators.
create function if not exists device_chosen as (is_emulator, kind) -> kind = 0 or is_emulator = (kind = 2)
