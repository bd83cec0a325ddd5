-- No query reads the roll-ups by model: each insert wrote them for nothing.
alter table aftershock.occurrences
    drop projection if exists model;
alter table aftershock.connections
    drop projection if exists counted_model
