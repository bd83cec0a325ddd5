-- Whether a version is among those a query asks for: all of them, or those of a text of their hex, joined by commas.
create function if not exists version_chosen as (version, every, versions) ->
    every or version in arrayMap(name -> unhex(name), splitByChar(',', versions))
