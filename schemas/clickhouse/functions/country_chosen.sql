-- Whether a country is among those a query asks for, where an empty list means all of them.
create function if not exists country_chosen as (country, countries) -> empty(countries) or country in countries
