//! Signatures. [`sign`] makes the OpenAPI's: Base64 over the lowercase hex text of HMAC-SHA256, keyed with the user's OpenAPI
//! key, over `localUserId + "_" + t`. [`mac`], [`sha256`] and [`is_equal`] are the building blocks of other proofs: the MAC of
//! releases, SCRAM of the embedded log.

use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The signature of `user_id` at `t`, Unix time in seconds as sent: 88 characters that end in `==`.
pub fn sign(user_key: &Secret<String>, user_id: &str, t: &str) -> String {
    STANDARD.encode(const_hex::encode(digest(user_key, user_id, t)))
}

/// Whether `signature` is the one of `user_id` at `t`. Takes the same time wherever it differs.
/// Whether `t` is recent enough is the caller's question.
pub fn verify(user_key: &Secret<String>, user_id: &str, t: &str, signature: &str) -> bool {
    let expected = sign(user_key, user_id, t);
    expected.as_bytes().ct_eq(signature.as_bytes()).into()
}

fn digest(user_key: &Secret<String>, user_id: &str, t: &str) -> [u8; 32] {
    mac(user_key.expose().as_bytes(), &[user_id.as_bytes(), b"_", t.as_bytes()])
}

/// HMAC-SHA256 of the parts, one directly after the other: who needs their borders kept puts lengths between them.
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length, so the error cannot happen; a fixed digest would verify
    // nothing but itself, so an impossible key yields a digest nobody can know.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return rand::random();
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether two secrets are equal. Takes the same time wherever they differ; their lengths are no secret.
pub fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> Secret<String> {
        "bec5b56d-7ae7-43f7-8763-51580aed5fa2".into()
    }

    #[test]
    fn agrees_with_another_implementation() {
        // printf %s 10001_1700000000 | openssl dgst -sha256 -hmac <key> | base64 of the hex text
        let expected = "YzM2ZGU3ZTM2MjJiMjQ0MjkxZTgyZTY0MTkzZjU4NzU5NjI4ZjE4OTI5MTQ5ZWU3MDZkYTlkMzEyNzVhYmQ0OQ==";
        assert_eq!(sign(&key(), "10001", "1700000000"), expected);
        assert!(verify(&key(), "10001", "1700000000", expected));
    }

    #[test]
    fn nothing_else_verifies() {
        let good = sign(&key(), "10001", "1700000000");
        assert!(!verify(&key(), "10001", "1700000001", &good));
        assert!(!verify(&key(), "10002", "1700000000", &good));
        assert!(!verify(&"other".into(), "10001", "1700000000", &good));
        assert!(!verify(&key(), "10001", "1700000000", ""));
        assert!(!verify(&key(), "10001", "1700000000", "签名"));
        assert!(!verify(&key(), "10001", "1700000000", &good[..87]));
    }

    proptest! {
        #[test]
        fn a_signature_verifies_and_has_its_form(key in ".{0,80}", user in ".{0,20}", t in any::<u64>()) {
            let (key, t) = (Secret::new(key), t.to_string());
            let signature = sign(&key, &user, &t);
            prop_assert_eq!(signature.len(), 88);
            prop_assert!(signature.ends_with("=="));
            prop_assert!(verify(&key, &user, &t, &signature));
        }
    }
}
