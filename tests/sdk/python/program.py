"""A program that fails as programs do, with the client library as it is published."""

import os

import sentry_sdk


class PayError(Exception):
    pass


def charge(card):
    return card["id"]


def pay(card):
    try:
        return charge(card)
    except KeyError as error:
        raise PayError("付款失败 python") from error


sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], release="shop-python@1.2.3+45", environment="测试", auto_session_tracking=False)
scope = sentry_sdk.get_isolation_scope()
scope.set_user({"id": "用户-python"})
scope.set_tag("等级", "12")
scope.start_session(session_mode="application")
sentry_sdk.add_breadcrumb(category="cart", message="open 购物车")
try:
    pay({})
except PayError as error:
    sentry_sdk.capture_exception(error)
scope.end_session()
sentry_sdk.flush(timeout=10)
