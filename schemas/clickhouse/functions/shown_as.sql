-- The issue, in hex, that an issue is shown as: the target at the place that its hex has among the sources, or itself where it is not among them.
create function if not exists shown_as as (issue_id, sources, targets) -> transform(hex(issue_id), sources, targets, hex(issue_id))
