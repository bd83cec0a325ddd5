#![allow(clippy::unwrap_used)]
use super::*;
use service::credentials::{Admin, App, Credentials, User};
use service::http::{Bytes, HeaderMap, HeaderValue, Method};

const NOW: i64 = 1_700_000_000_500;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER_TOKEN: &str = "abcdef0123456789abcdef0123456789";

fn key(id: &str) -> Secret<String> {
    format!("bec5b56d-7ae7-43f7-8763-5158{id:0>8}").into()
}

fn gate(per_minute: u32) -> Gate {
    let app = App { id: "a1".to_owned(), key: "534a235d30f13cac".to_owned().into(), ..App::default() };
    let user = |id: &str, apps: &[&str]| User {
        id: id.to_owned(),
        key: key(id),
        name: String::new(),
        apps: apps.iter().map(|app| (*app).to_owned()).collect(),
    };
    let users = vec![user("10001", &["a1"]), user("10002", &["*"]), user("10003", &[])];
    let admin = |token: &str, app: &str| Admin { token: token.to_owned().into(), apps: vec![app.to_owned()] };
    let admins = vec![admin(TOKEN, "*"), admin(OTHER_TOKEN, "a1")];
    let credentials = Credentials::new(vec![app], users, admins).unwrap();
    Gate::new(Keyring::fixed(credentials), per_minute, Duration::from_secs(300))
}

fn request(query: String, authorization: Option<&str>) -> Request {
    let mut headers = HeaderMap::new();
    if let Some(value) = authorization {
        headers.insert("authorization", HeaderValue::from_str(value).unwrap());
    }
    Request {
        method: Method::POST,
        path: "/uniform/openapi/crashDoc".to_owned(),
        path_params: Vec::new(),
        query,
        headers,
        body: Bytes::new(),
        peer: ([127, 0, 0, 1], 1).into(),
    }
}

fn signed(id: &str, key_of: &str, t: &str) -> Request {
    let signature = signature::sign(&key(key_of), id, t);
    request(format!("userSecret={signature}&localUserId={id}&t={t}&fsn=x"), None)
}

#[test]
fn a_signature_of_now_lets_in_with_and_without_escapes() {
    let gate = gate(0);
    let plain = signed("10001", "10001", "1700000000");
    assert_eq!(gate.user(&plain, NOW).unwrap().id, "10001");
    let escaped = request(plain.query.replace("==", "%3D%3D"), None);
    assert_eq!(gate.user(&escaped, NOW).unwrap().id, "10001");
}

#[test]
fn everything_else_is_turned_away_alike() {
    let gate = gate(0);
    let cases = [
        signed("10001", "10002", "1700000000"),
        signed("10001", "10001", "1699990000"),
        signed("99999", "99999", "1700000000"),
        signed("10001", "10001", "jetzt"),
        request(String::new(), None),
        request("userSecret=%E7%AD%BE&localUserId=10001&t=1700000000".to_owned(), None),
    ];
    for request in cases {
        assert_eq!(gate.user(&request, NOW), Err(Rejection::AuthenticationFailed), "{}", request.query);
    }
    // The empty key that an unknown user is checked against opens nothing.
    let forged = signature::sign(&Secret::default(), "99999", "1700000000");
    let forged = request(format!("userSecret={forged}&localUserId=99999&t=1700000000"), None);
    assert_eq!(gate.user(&forged, NOW), Err(Rejection::AuthenticationFailed));
}

#[test]
fn the_window_has_two_edges() {
    let recent = |t: &str| is_recent(t, NOW, Duration::from_secs(300));
    for t in ["1700000000", "1699999700", "1700000300"] {
        assert!(recent(t), "{t}");
    }
    for t in ["1699999699", "1700000301", "", "now", "1700000000.0", "-9223372036854775808", "１７０００００000"] {
        assert!(!recent(t), "{t}");
    }
}

#[test]
fn only_members_may_read_an_app() {
    let gate = gate(0);
    let may = |id: &str, app: &str| gate.permit(&gate.user(&signed(id, id, "1700000000"), NOW).unwrap(), app);
    assert_eq!(may("10001", "a1"), Ok(()));
    assert_eq!(may("10001", "a2"), Err(Rejection::Forbidden));
    assert_eq!(may("10002", "a1"), Ok(()));
    assert_eq!(may("10002", "a2"), Err(Rejection::Forbidden));
    assert_eq!(may("10003", "a1"), Err(Rejection::Forbidden));
}

#[test]
fn a_user_has_so_many_requests_a_minute() {
    let gate = gate(2);
    let ask = |id: &str| gate.user(&signed(id, id, "1700000000"), NOW);
    assert!(ask("10001").is_ok() && ask("10001").is_ok());
    assert!(matches!(ask("10001"), Err(Rejection::TooManyRequests(wait)) if wait.seconds() >= 1));
    assert!(ask("10002").is_ok());
    // Who cannot sign uses up nobody's share.
    assert_eq!(gate.user(&signed("10002", "10001", "1700000000"), NOW), Err(Rejection::AuthenticationFailed));
    assert!(ask("10002").is_ok());
}

#[test]
fn an_administrator_shows_a_token() {
    let gate = gate(0);
    let show = |header: Option<&str>| match gate.admin(&request(String::new(), header)) {
        Ok(_) => None,
        Err(Error::Rejected(rejection)) => Some(rejection),
        Err(_) => Some(Rejection::Forbidden),
    };
    assert_eq!(show(Some(&format!("Bearer {TOKEN}"))), None);
    assert_eq!(show(Some(&format!("bearer  {TOKEN}"))), None);
    for header in [None, Some(""), Some("Bearer"), Some("Bearer ")] {
        assert_eq!(show(header), Some(Rejection::TokenEmpty), "{header:?}");
    }
    for header in [format!("Basic {TOKEN}"), "Bearer x".to_owned(), format!("Bearer {TOKEN}0")] {
        assert_eq!(show(Some(&header)), Some(Rejection::TokenInvalid), "{header}");
    }
}

#[test]
fn an_administrator_of_some_apps_has_no_access_to_others() {
    let gate = gate(0);
    let operator = |token: &str| gate.admin(&request(String::new(), Some(&format!("Bearer {token}")))).unwrap();
    let (all, one) = (operator(TOKEN), operator(OTHER_TOKEN));
    assert!(all.permit("a1").is_ok() && all.permit("b2").is_ok() && one.permit("a1").is_ok());
    assert_eq!(one.permit("b2"), Err(Rejection::Forbidden));
    assert_ne!(all.id, one.id);
}
