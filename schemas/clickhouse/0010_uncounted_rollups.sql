-- Roll-ups that count rows alone are of no use any more.
alter table aftershock.connections
    drop projection if exists trend,
    drop projection if exists model
