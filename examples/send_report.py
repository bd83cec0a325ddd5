#!/usr/bin/env python3
"""Reports an exception to Aftershock, with Python's standard library alone.

    APP_KEY=... python3 examples/send_report.py        (INGEST: the address, by default http://127.0.0.1:8080)
"""
import json
import os
import time
import traceback
import urllib.error
import urllib.request
import uuid

INGEST = os.environ.get("INGEST", "http://127.0.0.1:8080")


def report(error):
    """Sends one report until it is accepted. Status 200 means that it is on disk."""
    body = json.dumps({
        "category": "error",
        "platformId": 10,
        "productVersion": "1.0.0",
        "deviceId": "device-python",
        # Sent again with the same event id, the report counts once.
        "eventId": uuid.uuid4().hex,
        "occurredAt": int(time.time() * 1000),
        "expName": type(error).__name__,
        "expMessage": str(error),
        "callStack": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }).encode()
    headers = {"X-App-Key": os.environ["APP_KEY"], "Content-Type": "application/json"}
    for _ in range(5):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{INGEST}/v1/reports", body, headers), timeout=10) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 503):
                raise
            time.sleep(int(refused.headers.get("Retry-After", "1")))
    raise TimeoutError("the report was not accepted")


def load_cart(cart):
    return cart["items"]


if __name__ == "__main__":
    try:
        load_cart({})
    except KeyError as error:
        print(report(error))
