//! Messages and their forms.

use super::*;

#[test]
fn what_one_event_puts_in_is_left_out() {
    let cases = [
        ("Connection to 10.0.0.7:8080 lost after 1532 ms", "Connection to <host> lost after <time>"),
        ("mail to a.b@shop.cn not sent", "mail to <email> not sent"),
        ("cannot open /srv/data/订单/7.json: denied", "cannot open <path>: denied"),
        ("com.shop.Cart@1a2b3c is stale", "com.shop.Cart@<num> is stale"),
        ("job 6f1c2b1e-0c6d-4a7b-9d5e-1f2a3b4c5d6e at 2026-01-02T10:00:00Z", "job <uuid> at <time>"),
        ("expected:<[1, 2, 3]> was 0x7fff01", "expected:<[<num>]> was <num>"),
        ("用户１２３的订单 42 失败", "用户<num>的订单 <num> 失败"),
        ("uid=17 status=404 GET https://shop.cn/a?b=1", "uid=<value> status=404 GET <url>"),
    ];
    for (text, form) in cases {
        assert_eq!(message(text), form);
    }
}

#[test]
fn codes_and_names_stay() {
    assert_eq!(message("HTTP 404 from upstream"), "HTTP 404 from upstream");
    assert_eq!(message("errno 13"), "errno 13");
    assert_eq!(message("java.lang.IllegalStateException thrown"), "java.lang.IllegalStateException thrown");
}

#[test]
fn every_kind_of_data_is_known() {
    let cases = [
        ("日期 Mon Jan 02, 1999 已过", "日期 <time> 已过"),
        ("at Jan 18 2019 12:31 pm UTC lost", "at <time> lost"),
        ("Sat Feb 01 10:00:00 CST 2025 late", "<time> late"),
        ("peer ::1 and fe80::1ff:fe23:4567:890a/64", "peer <host> and <host>"),
        ("trace 1-67891233-abcdef012345678912345678", "trace <id>"),
        ("object 9af8 of 3c0d11", "object <num> of <num>"),
        ("token VdLchF7iDo8sVkg= sent", "token <id> sent"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.SflKxwRJSMeKKF2QT4 bad", "jwt <id> bad"),
        ("ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV taken", "ulid <id> taken"),
        ("took 3 分钟, then 5 小时", "took <time>, then <time>"),
        ("waited 2h for 45.2% of 1,234,567 rows", "waited <num> for <num> of <num> rows"),
        ("open C:\\Program Files\\Shop\\购物车.db", "open <path>"),
        ("thread-12 and worker_7 and user42", "thread-<num> and worker_<num> and user<num>"),
        ("a6b1c2d3-0c6d-4a7b-9d5e-1f2a3b4c5d6e/7c1811ed-e98f-4c9c-a9f9-58c757ff494f", "<uuid>"),
        ("name=张三 id=7 path=/srv/a retries=3", "name=<value> id=<value> path=<value> retries=<value>"),
        ("看见「订单 7」和 “a 1”", "看见<quoted>和 <quoted>"),
    ];
    for (text, form) in cases {
        assert_eq!(message(text), form, "{text}");
    }
}

#[test]
fn codes_that_are_the_point_stay() {
    for text in
        ["ORA-00942: table or view does not exist", "HRESULT: 0x80070005 denied", "error code 51", "SQLSTATE[42S02]", "exit code=137"]
    {
        assert_eq!(message(text), text);
    }
    assert_eq!(message("HTTP/2 503 from upstream"), "HTTP/<num> 503 from upstream");
    assert_eq!(message("error=/srv/a/7 at code=0x7fff010203040506"), "error=<path> at code=<num>");
}

#[test]
fn an_apostrophe_opens_no_quotation() {
    assert_eq!(message("can't open the door, won't try"), "can't open the door, won't try");
    assert_eq!(message("Cannot read 'a b 1' of it"), "Cannot read <quoted> of it");
}
