//! Checks of credentials. Their messages name the entry and never show a key.

use super::{ALL_APPS, ANY_ORIGIN, Admin, App, Cipher, Index, User};
use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::hash::Hash;

/// Shorter tokens can be guessed.
const MIN_TOKEN_LENGTH: usize = 16;
/// A shorter key could be found by trying keys on a signed release, which needs no server.
const MIN_RELEASE_KEY_LENGTH: usize = 32;

pub(super) fn release_key(key: &Secret<String>) -> Result<(), String> {
    check_key(key, MIN_RELEASE_KEY_LENGTH, "release_key")
}

pub(super) fn index(apps: &[App], users: &[User], admins: &[Admin]) -> Result<Index, String> {
    let mut index = Index::default();
    for (at, app) in apps.iter().enumerate() {
        let place = format!("apps[{at}]");
        check_app(app, &place)?;
        once(&mut index.app_by_id, app.id.clone(), at, &format!("{place}.id: `{}`", app.id))?;
        once(&mut index.app_by_key, app.key.expose().clone(), at, &format!("{place}.key"))?;
        if let Some(project) = app.sentry_project {
            let shown = format!("{place}.sentry_project: {project}");
            once(&mut index.app_by_project, project, at, &shown)?;
        }
        if app.default && index.default_app.replace(at).is_some() {
            return Err(format!("{place}.default: only one app can be the default"));
        }
    }
    for (at, user) in users.iter().enumerate() {
        let place = format!("users[{at}]");
        check_user(user, &index, &place)?;
        once(&mut index.user_by_id, user.id.clone(), at, &format!("{place}.id: `{}`", user.id))?;
    }
    for (at, admin) in admins.iter().enumerate() {
        check_key(&admin.token, MIN_TOKEN_LENGTH, &format!("admins[{at}].token"))?;
        check_apps(&admin.apps, &index, &format!("admins[{at}]"))?;
    }
    Ok(index)
}

fn check_app(app: &App, place: &str) -> Result<(), String> {
    check_id(&app.id, &format!("{place}.id"))?;
    check_key(&app.key, 8, &format!("{place}.key"))?;
    for (at, secret) in app.device_secrets.iter().enumerate() {
        check_device_secret(secret, app.device_cipher, &format!("{place}.device_secrets[{at}]"))?;
    }
    if app.device_required && app.device_secrets.is_empty() {
        return Err(format!("{place}.device_required: the app has no device_secrets"));
    }
    for (at, origin) in app.allowed_origins.iter().enumerate() {
        check_origin(origin, &format!("{place}.allowed_origins[{at}]"))?;
    }
    Ok(())
}

/// `scheme://host[:port]` as browsers write it; `*.` may stand before the host.
fn check_origin(origin: &str, place: &str) -> Result<(), String> {
    if [ANY_ORIGIN, "null"].contains(&origin) {
        return Ok(());
    }
    let shape = || format!("{place}: expected `*`, `null` or an origin such as `https://shop.example` or `https://*.shop.example`");
    let (scheme, host) = origin.split_once("://").ok_or_else(shape)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let host = host.strip_prefix("*.").unwrap_or(host);
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme || host.is_empty() || !host.chars().all(plain) {
        return Err(shape());
    }
    match (scheme, host.rsplit_once(':')) {
        ("https", Some((_, "443"))) | ("http", Some((_, "80"))) => Err(format!("{place}: browsers leave the scheme's own port out")),
        _ => Ok(()),
    }
}

fn check_user(user: &User, index: &Index, place: &str) -> Result<(), String> {
    check_id(&user.id, &format!("{place}.id"))?;
    check_key(&user.key, 8, &format!("{place}.key"))?;
    check_apps(&user.apps, index, place)
}

fn check_apps(apps: &[String], index: &Index, place: &str) -> Result<(), String> {
    for app in apps {
        if app != ALL_APPS && !index.app_by_id.contains_key(app) {
            return Err(format!("{place}.apps: there is no app `{app}`"));
        }
    }
    Ok(())
}

fn check_id(id: &str, place: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match (1..=64).contains(&id.len()) && id.chars().all(plain) {
        true => Ok(()),
        false => Err(format!("{place}: expected 1 to 64 letters, digits, `-` or `_`")),
    }
}

fn check_key(key: &Secret<String>, shortest: usize, place: &str) -> Result<(), String> {
    let key = key.expose();
    match (shortest..=128).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(format!("{place}: expected {shortest} to 128 visible ASCII characters")),
    }
}

fn check_device_secret(secret: &Secret<String>, cipher: Cipher, place: &str) -> Result<(), String> {
    match cipher {
        Cipher::Aes256Gcm => match STANDARD.decode(secret.expose()) {
            Ok(key) if key.len() == 32 => Ok(()),
            _ => Err(format!("{place}: aes-256-gcm expects the Base64 of 32 bytes")),
        },
        Cipher::Aes256Cbc if secret.expose().is_empty() => Err(format!("{place}: empty")),
        Cipher::Aes256Cbc => Ok(()),
    }
}

fn once<K: Eq + Hash>(index: &mut HashMap<K, usize>, key: K, at: usize, shown: &str) -> Result<(), String> {
    match index.insert(key, at) {
        None => Ok(()),
        Some(first) => Err(format!("{shown} is the same as that of entry {first}")),
    }
}
