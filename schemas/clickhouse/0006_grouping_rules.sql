-- What decided beside the grouping version: the projects' rules that were in force, and which of them.
alter table aftershock.occurrences
    add column if not exists grouping_rules UInt32 comment 'stamp of the projects'' rules, 0 = none' after grouping_version,
    add column if not exists grouping_basis LowCardinality(String) comment 'what decided: a rule, the client, or the kinds of the parts' after grouping_rules
