"""Drives the engine with clickhouse-connect; says `fine` at the end. Arguments: host, port."""

import datetime
import sys
import threading
import time

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

HOST, PORT = sys.argv[1], int(sys.argv[2])


def client(user="writer", password="secret", **more):
    return clickhouse_connect.get_client(host=HOST, port=PORT, username=user, password=password, **more)


def rows_go_in_and_come_back():
    writer = client()
    assert writer.ping()
    writer.command("create database if not exists python engine = Atomic")
    writer.command(
        "create or replace table python.t (id UInt64, text String, maybe Nullable(Int32), at DateTime64(3), "
        "tags Map(String, String), list Array(String), low LowCardinality(String), flag Bool) engine = MergeTree order by id"
    )
    at = datetime.datetime(2025, 3, 1, 12, 0, 0, 123000, tzinfo=datetime.timezone.utc)
    rows = [[n, f"闪退 {n}", None if n % 2 else n, at, {"渠道": str(n)}, ["a", "'\\\t"], "中国", n % 3 == 0] for n in range(20_000)]
    for compress in ("lz4", "zstd", "gzip", False):
        one = client(compress=compress, database="python")
        one.command("truncate table t")
        summary = one.insert("t", rows, column_names=["id", "text", "maybe", "at", "tags", "list", "low", "flag"])
        assert summary.written_rows == len(rows), summary.summary
        back = one.query("select * from t order by id", query_tz="UTC")
        got = [list(row) for row in back.result_rows]
        for row in got:
            row[3] = row[3].replace(tzinfo=datetime.timezone.utc)
        assert got == rows, (compress, got[0], rows[0])
        assert one.query("select id from t where text = {text:String}", parameters={"text": "闪退 7"}).result_rows == [(7,)]
        assert one.query("select id from t where list[2] = %(x)s limit 1", parameters={"x": "'\\\t"}).row_count == 1


def large_results_are_streamed():
    with client().query_row_block_stream("select number, toString(number) from numbers(300000)") as stream:
        seen = [number for block in stream for number, _ in block]
    assert seen == list(range(300_000))
    raw = client().raw_query("select 1 as a, '闪' as b", fmt="JSONEachRow")
    assert raw == '{"a":1,"b":"闪"}\n'.encode()
    assert client().raw_insert("python.t", ["id", "text"], b"30000,x\n30001,y\n", fmt="CSV").written_rows == 2


def settings_and_ids_arrive():
    one = client(settings={"max_threads": 3})
    assert one.command("select getSetting('max_threads')") == 3
    assert one.command("select getSetting('max_threads')", settings={"max_threads": 1}) == 1
    assert one.query("select 1", settings={"query_id": "given-by-python"}).query_id == "given-by-python"


def errors_are_errors():
    for sql, part in [("select * from nowhere", "UNKNOWN_TABLE"), ("selct", "SYNTAX_ERROR"), ("select throwIf(1)", "395")]:
        try:
            client().query(sql)
        except DatabaseError as error:
            assert part in str(error), error
        else:
            raise AssertionError(sql)
    try:
        client().query("select throwIf(number = 900000) from numbers(1000000) settings max_block_size = 1000, max_threads = 1")
    except Exception as error:
        assert "395" in str(error), error
    else:
        raise AssertionError("a result that breaks off was taken for whole")


def a_reader_reads_only():
    reader = client("reader", "looks")
    assert reader.command("select count() from numbers(10)") == 10
    for sql in ("create table python.x (n UInt8) engine = Memory", "select * from file('/etc/passwd', 'LineAsString')"):
        try:
            reader.command(sql)
        except DatabaseError as error:
            assert "READONLY" in str(error), error
        else:
            raise AssertionError(sql)


def a_statement_is_killed_by_its_id():
    failed = []

    def run():
        try:
            client().query("select count() from numbers(1000000000000) where number % 3 = 7", settings={"query_id": "python-long"})
        except DatabaseError as error:
            failed.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    killer, end = client(), time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < end:
        killer.command("kill query where query_id = 'python-long' sync")
    thread.join(1)
    assert len(failed) == 1 and "QUERY_WAS_CANCELLED" in failed[0], failed


for test in (
    rows_go_in_and_come_back,
    large_results_are_streamed,
    settings_and_ids_arrive,
    errors_are_errors,
    a_reader_reads_only,
    a_statement_is_killed_by_its_id,
):
    test()
print("fine")
