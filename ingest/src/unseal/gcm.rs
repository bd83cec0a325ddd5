//! `aes-256-gcm`: `data` is the ciphertext with its tag of 16 bytes, `time` the nonce of 12; no associated data.

use super::Opened;
use super::name::Name;
use super::nonces::{KeyId, Nonce, Nonces, Tag};
use crate::dialect::BASE64;
use aes_gcm::{AeadInOut as _, Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// One key of an app.
pub(crate) struct Key {
    cipher: Aes256Gcm,
    id: KeyId,
}

/// The text, if one of the keys sealed it and that key sealed no other text under the same nonce.
pub(super) fn open(keys: &[Key], nonce: Nonce, mut data: Vec<u8>, nonces: &Nonces) -> Option<Opened> {
    let length = data.len().checked_sub(size_of::<Tag>())?;
    let (text, tag) = data.split_at_mut(length);
    let tag: Tag = (&*tag).try_into().ok()?;
    // The tag is checked before anything is deciphered: after a failure the next key finds what was sent.
    let key = keys.iter().find(|key| key.cipher.decrypt_inout_detached(&nonce.into(), &[], (&mut *text).into(), &tag.into()).is_ok())?;
    // Only what was sealed with the key is remembered: nobody else can fill the memory or spoil a nonce.
    if !nonces.admit(key.id, nonce, tag) {
        return None;
    }
    data.truncate(length);
    // The tag stands for the text: under one key and nonce no other text has it.
    Some(Opened { text: data, name: Name::of([&key.id, &nonce, &tag]) })
}

impl Key {
    /// Of a secret that holds 32 bytes as Base64; the credentials have been checked for that.
    pub(super) fn of(secret: &str) -> Option<Self> {
        let bytes: [u8; 32] = BASE64.decode(secret).ok()?.try_into().ok()?;
        let mut id = KeyId::default();
        id.copy_from_slice(&Sha256::digest(bytes)[..size_of::<KeyId>()]);
        Some(Self { cipher: Aes256Gcm::new(&bytes.into()), id })
    }

    /// Seals a text under a fresh nonce.
    pub(super) fn seal(&self, nonce: Nonce, mut text: Vec<u8>) -> Option<Vec<u8>> {
        let tag = self.cipher.encrypt_inout_detached(&nonce.into(), &[], text.as_mut_slice().into()).ok()?;
        text.extend_from_slice(&tag);
        Some(text)
    }
}
