//! Random credentials for a first start, from the system's source.

use super::{ALL_APPS, Admin, App, Credentials, Error, User};
use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::TryRngCore;
use rand::rngs::OsRng;

pub(super) fn credentials() -> Result<Credentials, Error> {
    let app = App {
        id: const_hex::encode(random::<5>()?),
        sentry_project: Some(1),
        name: "Demo".to_owned(),
        key: Secret::new(const_hex::encode(random::<8>()?)),
        default: true,
        device_secrets: vec![Secret::new(STANDARD.encode(random::<32>()?))],
        ..App::default()
    };
    let user =
        User { id: "10001".to_owned(), key: Secret::new(uuid(random::<16>()?)), name: "Analyst".to_owned(), apps: vec![app.id.clone()] };
    let admin = Admin { token: Secret::new(const_hex::encode(random::<24>()?)), apps: vec![ALL_APPS.to_owned()] };
    let release_key = Secret::new(const_hex::encode(random::<32>()?));
    let credentials = Credentials::new(vec![app], vec![user], vec![admin]).and_then(|credentials| credentials.signing(release_key));
    credentials.map_err(|reason| Error::Random { reason })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Error::Random { reason: error.to_string() })?;
    Ok(bytes)
}

/// Version 4 of RFC 9562.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = const_hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
