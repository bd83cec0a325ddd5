#!/usr/bin/env python3
"""Asks Aftershock for the errors of the last day by hour, signed as a user of the OpenAPI, with Python's standard library alone.

    APP_ID=... USER_ID=... USER_KEY=... python3 examples/ask_trend.py    (QUERY: the address, by default http://127.0.0.1:8081)
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import time
import urllib.parse
import urllib.request

QUERY = os.environ.get("QUERY", "http://127.0.0.1:8081")
# Hours are those of `[query] time_zone`, by default +08:00.
ZONE = datetime.timezone(datetime.timedelta(hours=8))


def ask(operation, parameters):
    """One question. The signature is the Base64 of the HMAC's hex digits, over the user's id and the time."""
    user, now = os.environ["USER_ID"], str(int(time.time()))
    digest = hmac.new(os.environ["USER_KEY"].encode(), f"{user}_{now}".encode(), hashlib.sha256).hexdigest()
    signature = urllib.parse.urlencode({"userSecret": base64.b64encode(digest.encode()).decode(), "localUserId": user, "t": now})
    request = urllib.request.Request(
        f"{QUERY}/uniform/openapi/{operation}?{signature}", json.dumps(parameters).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


if __name__ == "__main__":
    now = datetime.datetime.now(ZONE)
    answer = ask("getRealTimeHourlyStatEx", {
        "appId": os.environ["APP_ID"],
        "platformId": 10,
        "type": "error",
        "dataType": "realTimeTrendData",
        "startDate": (now - datetime.timedelta(hours=23)).strftime("%Y%m%d%H"),
        "endDate": now.strftime("%Y%m%d%H"),
        "vm": 0,
        "version": "-1",
    })
    for hour in answer["ret"]["data"]:
        if hour["crashNum"]:
            print(hour["date"], hour["crashNum"], "reports of", hour["crashUser"], "devices")
