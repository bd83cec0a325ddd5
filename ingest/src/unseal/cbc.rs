//! `aes-256-cbc`, as existing devices do it: the key is SHA-256 of the secret, the IV the first half of
//! SHA-256(lower-case hex of MD5(`time`) followed by the secret), the padding PKCS#7.
//!
//! This cipher does not prove that a text is as it was sealed. To answer no padding oracle, a text must be whole JSON besides
//! being well padded, and both are always checked: a wrong padding takes the same time as a text that is not JSON, and is
//! answered the same.

use super::Opened;
use super::name::Name;
use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, InnerIvInit as _, KeyInit as _};
use cbc::{Decryptor, Encryptor};
use md5::Md5;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};

/// Longer than any time in hex.
const TIME_LIMIT: usize = 256;
const BLOCK: usize = 16;

/// One key of an app.
pub(crate) struct Key {
    cipher: Aes256,
    secret: String,
}

impl Key {
    /// Of a secret of any text.
    pub(super) fn of(secret: &str) -> Self {
        Self { cipher: Aes256::new(&Sha256::digest(secret)), secret: secret.to_owned() }
    }

    /// The text, if it is well padded and JSON; anything else was not sealed with this key.
    pub(super) fn open(&self, time: &str, data: &[u8]) -> Option<Opened> {
        // What everybody sees may end the work early.
        if data.is_empty() || !data.len().is_multiple_of(BLOCK) || time.len() > TIME_LIMIT {
            return None;
        }
        let mut text = data.to_vec();
        let (blocks, _) = InOutBuf::from(text.as_mut_slice()).into_chunks();
        Decryptor::<&Aes256>::inner_iv_init(&self.cipher, &self.iv(time).into()).decrypt_blocks_inout(blocks);
        let (padding, is_padded) = padding(text.last_chunk::<BLOCK>()?);
        text.truncate(text.len() - usize::from(padding));
        let is_sealed = is_padded & Choice::from(u8::from(is_json(&text)));
        // No tag stands for the text, so all of it counts.
        bool::from(is_sealed).then(|| Opened { name: Name::of([self.secret.as_bytes(), time.as_bytes(), data]), text })
    }

    /// Seals a text; `time` must not have been used before.
    pub(super) fn seal(&self, time: &str, text: &[u8]) -> Vec<u8> {
        Encryptor::<&Aes256>::inner_iv_init(&self.cipher, &self.iv(time).into()).encrypt_padded_vec::<Pkcs7>(text)
    }

    fn iv(&self, time: &str) -> [u8; BLOCK] {
        let mut seed = String::with_capacity(2 * BLOCK + self.secret.len());
        for byte in Md5::digest(time) {
            // Writing to a string cannot fail.
            let _ = write!(seed, "{byte:02x}");
        }
        seed.push_str(&self.secret);
        let mut iv = [0; BLOCK];
        iv.copy_from_slice(&Sha256::digest(seed)[..BLOCK]);
        iv
    }
}

/// The number of bytes of padding in the last block (0 where it is wrong), and whether it is right; in constant time.
fn padding(block: &[u8; BLOCK]) -> (u8, Choice) {
    let count = block[BLOCK - 1];
    let mut is_right = !count.ct_eq(&0) & !count.ct_gt(&16);
    for (place, byte) in (0_u8..).zip(block.iter().rev()) {
        is_right &= !count.ct_gt(&place) | byte.ct_eq(&count);
    }
    (u8::conditional_select(&0, &count, is_right), is_right)
}

fn is_json(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_is_judged_as_the_standard_says() {
        for count in 0..=u8::MAX {
            let mut block = [7; BLOCK];
            block.iter_mut().rev().take(usize::from(count.max(1))).for_each(|byte| *byte = count);
            let (found, is_right) = padding(&block);
            let expected = if (1..=16).contains(&count) { count } else { 0 };
            assert_eq!((found, bool::from(is_right)), (expected, expected > 0), "{count}");
            if (2..=16).contains(&count) {
                block[BLOCK - usize::from(count)] ^= 1;
                assert_eq!(padding(&block).0, 0, "{count}");
            }
        }
    }
}
