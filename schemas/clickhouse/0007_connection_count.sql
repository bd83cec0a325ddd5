-- A client may count its starts and send the sum: such a row is many. What was there before is one.
alter table aftershock.connections
    add column if not exists count UInt32 default 1 comment 'how many there were: starts that a client counted together'
