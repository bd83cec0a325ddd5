-- Parts that were there before get the roll-ups in the background; until then their rows answer.
alter table aftershock.connections
    materialize projection if exists counted_trend,
    materialize projection if exists counted_model
