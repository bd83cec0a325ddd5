//! Who sends a statement.

use crate::Config;
use crate::exception::{AUTHENTICATION_FAILED, Exception, REQUIRED_PASSWORD};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

/// An account, by what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Writer,
    Reader,
}

/// Finds the account of a request: basic authentication, ClickHouse's headers, or parameters of the URL; without any of
/// these it is `default` with an empty password.
pub fn authenticate(config: &Config, headers: &HeaderMap, params: &[(String, String)]) -> Result<User, Exception> {
    let given = credentials(headers, params)?;
    let anonymous = given.is_none();
    let (user, password) = given.unwrap_or_else(|| ("default".into(), String::new()));
    let writer = matches(&user, &config.user) & matches(&password, &config.password);
    let reader = matches(&user, &config.read_user) & matches(&password, &config.read_password);
    if writer {
        Ok(User::Writer)
    } else if reader && !config.read_user.is_empty() {
        Ok(User::Reader)
    } else if anonymous {
        Err(Exception::new(REQUIRED_PASSWORD, "Authentication is required: give a user and a password"))
    } else {
        let message = format_args!("{user}: Authentication failed: password is incorrect, or there is no user with such name");
        Err(Exception::new(AUTHENTICATION_FAILED, message))
    }
}

fn matches(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

fn credentials(headers: &HeaderMap, params: &[(String, String)]) -> Result<Option<(String, String)>, Exception> {
    let header = |name: &str| headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    if let Some(value) = headers.get(AUTHORIZATION) {
        return basic(value.as_bytes())
            .map(Some)
            .ok_or_else(|| Exception::new(AUTHENTICATION_FAILED, "Invalid authentication: not the Basic scheme"));
    }
    if let Some(user) = header("x-clickhouse-user") {
        return Ok(Some((user, header("x-clickhouse-key").unwrap_or_default())));
    }
    let param = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    Ok(param("user").map(|user| (user, param("password").unwrap_or_default())))
}

fn basic(value: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn config() -> Config {
        Config {
            user: "writer".into(),
            password: "密码".into(),
            read_user: "reader".into(),
            read_password: "r".into(),
            ..Config::new("d".into(), "l".into())
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (http::HeaderName::from_static(n), http::HeaderValue::from_bytes(v.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn each_way_of_naming_oneself_works() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("writer:密码"));
        let config = config();
        assert_eq!(authenticate(&config, &headers(&[("authorization", &basic)]), &[]), Ok(User::Writer));
        assert_eq!(authenticate(&config, &headers(&[("x-clickhouse-user", "reader"), ("x-clickhouse-key", "r")]), &[]), Ok(User::Reader));
        let params = [("user".to_owned(), "reader".to_owned()), ("password".to_owned(), "r".to_owned())];
        assert_eq!(authenticate(&config, &headers(&[]), &params), Ok(User::Reader));
    }

    #[test]
    fn others_are_refused() {
        let config = config();
        assert_eq!(authenticate(&config, &headers(&[]), &[]).unwrap_err().code, 194);
        assert_eq!(
            authenticate(&config, &headers(&[("x-clickhouse-user", "reader"), ("x-clickhouse-key", "密码")]), &[]).unwrap_err().code,
            516
        );
        assert_eq!(authenticate(&config, &headers(&[("authorization", "Bearer x")]), &[]).unwrap_err().code, 516);
        assert_eq!(authenticate(&config, &headers(&[("authorization", "闪")]), &[]).unwrap_err().code, 516);
        let open = Config::new("d".into(), "l".into());
        assert_eq!(authenticate(&open, &headers(&[]), &[]), Ok(User::Writer));
        assert_eq!(authenticate(&open, &headers(&[("x-clickhouse-user", "")]), &[]).unwrap_err().code, 516, "no read-only account there");
    }
}
