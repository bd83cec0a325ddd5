-- Whether a country is among those a query asks for; an empty list is all of them.
create function if not exists country_chosen as (country, countries) -> empty(countries) or country in countries
