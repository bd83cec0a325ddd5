-- The apps that have reports.
select distinct toString(app_id) as app from occurrences order by app
