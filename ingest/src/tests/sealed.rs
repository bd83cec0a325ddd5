//! The device channel against another implementation (`sealed/make_vectors.py`, OpenSSL by way of Python), and what it
//! owes whatever is sent.

use crate::dialect::{Received, log_message};
use crate::rejection::Rejection;
use crate::unseal::{Channel, Channels, Fresh, Sealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use schemas::ids::ReportId;
use serde_json::json;
use service::credentials::{App, Cipher, Credentials};
use service::http::{HeaderMap, Method, Request};
use std::sync::Arc;

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    cipher: Cipher,
    secret: String,
    time: String,
    data: String,
    text: Option<String>,
}

/// A channel with a memory of its own.
pub(super) struct Opened {
    channels: Channels,
    channel: Arc<Channel>,
}

impl Opened {
    fn with(cipher: Cipher, secrets: &[&str]) -> Self {
        let device_secrets = secrets.iter().map(|&secret| secret.into()).collect();
        let app = App { id: "a".to_owned(), key: "0123456789abcdef".into(), device_secrets, device_cipher: cipher, ..App::default() };
        let credentials = Arc::new(Credentials::new(vec![app], Vec::new(), Vec::new()).unwrap());
        let channels = Channels::new(1000);
        let channel = channels.of(&credentials, &credentials.apps[0]).unwrap();
        Self { channels, channel }
    }

    pub(super) fn open(&self, request: &Request) -> Result<Vec<u8>, Rejection> {
        self.channels.open(&self.channel, request).map(|opened| opened.text)
    }

    fn open_body(&self, time: &str, data: &str) -> Result<Vec<u8>, Rejection> {
        self.open(&body(serde_json::json!({"data": data, "time": time}).to_string().as_bytes()))
    }

    /// Seals a text and gives `time` and the bytes of `data`.
    pub(super) fn seal(&self, text: &[u8], number: u8) -> (String, Vec<u8>) {
        let fresh = Fresh { nonce: [number; 12], nanoseconds: 1_763_700_000_000_000_000 + u64::from(number) };
        let sealed = serde_json::to_value(self.channel.seal(text.to_vec(), fresh).unwrap()).unwrap();
        (sealed["time"].as_str().unwrap().to_owned(), STANDARD.decode(sealed["data"].as_str().unwrap()).unwrap())
    }
}

pub(super) fn body(bytes: &[u8]) -> Request {
    let peer = "192.0.2.1:80".parse().unwrap();
    let (path, query, headers) = (String::new(), String::new(), HeaderMap::new());
    Request { method: Method::POST, path, path_params: Vec::new(), query, headers, body: bytes.to_vec().into(), peer }
}

pub(super) fn query(text: String) -> Request {
    Request { method: Method::GET, query: text, ..body(b"") }
}

pub(super) fn gcm() -> Opened {
    Opened::with(Cipher::Aes256Gcm, &[&STANDARD.encode([7; 32])])
}

pub(super) fn cbc() -> Opened {
    Opened::with(Cipher::Aes256Cbc, &["设备密钥"])
}

#[test]
fn another_implementations_texts_are_opened_and_what_was_done_to_them_is_not_told() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("sealed/vectors.json")).unwrap();
    assert!(vectors.len() >= 25, "{}", vectors.len());
    for Vector { name, cipher, secret, time, data, text } in vectors {
        let opened = Opened::with(cipher, &[&secret]);
        let expected = text.map(String::into_bytes).ok_or(Rejection::InvalidCiphertext);
        assert_eq!(opened.open_body(&time, &data), expected, "{name}");
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        assert_eq!(opened.open(&query(format!("x=1&data={}&time={}", escape(&data), escape(&time)))), expected, "{name}, escaped");
        let bare = data.replace('\n', "%0A");
        assert_eq!(opened.open(&query(format!("time={}&data={bare}", time.replace('\n', "")))), expected, "{name}, in a query as it is");
    }
}

#[test]
fn what_is_no_sealed_body_is_answered_as_what_cannot_be_opened() {
    let bodies: [&[u8]; 9] =
        [b"", b"{}", b"[]", b"null", b"\xff", br#"{"data":"x"}"#, br#"{"data":5,"time":6}"#, br#"{"data":"","time":""}"#, b"data=x&time=y"];
    for opened in [gcm(), cbc()] {
        for bytes in bodies {
            assert_eq!(opened.open(&body(bytes)), Err(Rejection::InvalidCiphertext), "{bytes:?}");
        }
        for text in ["", "data=x", "time=y", "data=&time=", "data=AAAA&time=AAAA", "data=%FF&time=%FF"] {
            assert_eq!(opened.open(&query(text.to_owned())), Err(Rejection::InvalidCiphertext), "{text}");
        }
    }
}

#[test]
fn every_secret_opens_and_the_first_seals() {
    let (new, old) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
    for (cipher, new, old) in [(Cipher::Aes256Gcm, new.as_str(), old.as_str()), (Cipher::Aes256Cbc, "新", "旧")] {
        let rotated = Opened::with(cipher, &[new, old]);
        for (number, secret) in [new, old].into_iter().enumerate() {
            let (time, data) = Opened::with(cipher, &[secret]).seal(b"{}", number as u8);
            assert_eq!(rotated.open_body(&time, &STANDARD.encode(data)), Ok(b"{}".to_vec()), "{secret}");
        }
        let (time, data) = rotated.seal(b"[1]", 9);
        let data = STANDARD.encode(data);
        assert_eq!(Opened::with(cipher, &[new]).open_body(&time, &data), Ok(b"[1]".to_vec()));
        assert_eq!(Opened::with(cipher, &[old]).open_body(&time, &data), Err(Rejection::InvalidCiphertext));
    }
}

#[test]
fn keys_are_derived_again_when_the_credentials_are_others_and_nonces_stay_remembered() {
    let app = |secrets: &[&str]| App {
        id: "a".to_owned(),
        key: "0123456789abcdef".into(),
        device_secrets: secrets.iter().map(|&secret| secret.into()).collect(),
        ..App::default()
    };
    let load = |secrets: &[&str]| Arc::new(Credentials::new(vec![app(secrets)], Vec::new(), Vec::new()).unwrap());
    let (one, two) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
    let (before, after, none) = (load(&[&one]), load(&[&two, &one]), load(&[]));
    let mut opened = gcm();
    let of = |channels: &Channels, credentials: &Arc<Credentials>| channels.of(credentials, &credentials.apps[0]);
    opened.channel = of(&opened.channels, &before).unwrap();
    assert!(Arc::ptr_eq(&opened.channel, &of(&opened.channels, &before).unwrap()), "not derived twice");
    let ((time, first), (_, second)) = (opened.seal(b"first", 1), opened.seal(b"second", 1));
    assert!(opened.open_body(&time, &STANDARD.encode(&first)).is_ok());
    assert!(matches!(of(&opened.channels, &none), Err(Rejection::SecretIsEmpty)));
    opened.channel = of(&opened.channels, &after).unwrap();
    assert_eq!(
        opened.open_body(&time, &STANDARD.encode(second)),
        Err(Rejection::InvalidCiphertext),
        "another text, the same nonce and key"
    );
    assert!(opened.open_body(&time, &STANDARD.encode(first)).is_ok(), "a re-delivery");
}

/// What an edge makes of a sealed body: which delivery it is.
fn delivered(at: &Opened, time: &str, data: &[u8], nonce: u128) -> ReportId {
    let sealed = body(json!({"data": STANDARD.encode(data), "time": time}).to_string().as_bytes());
    let opened = at.channels.open(&at.channel, &sealed).unwrap();
    let received = Received { nonce, sealed_as: opened.name.to_string(), ..Received::default() };
    let report = log_message::parse(&opened.text, &received).unwrap();
    assert_eq!(report.event_id.is_empty(), report.occurred_at.is_some());
    report.report_id
}

#[test]
fn a_recorded_body_is_the_same_delivery_at_every_edge_and_another_text_is_not() {
    let plain = r#"{"platform":"web","message":"支付失败","deviceId":"d1"}"#.as_bytes();
    for made in [gcm, cbc] {
        let device = made();
        let (time, data) = device.seal(plain, 1);
        let first = delivered(&made(), &time, &data, 1);
        for nonce in 2..6 {
            // Each edge is another, so none remembers the nonce.
            assert_eq!(delivered(&made(), &time, &data, nonce), first);
        }
        let (time, data) = device.seal(plain, 2);
        assert_ne!(delivered(&made(), &time, &data, 1), first, "sealed anew: without a time there is no telling that it is the same");
        let other_key = if matches!(*device.channel, Channel::Gcm(_)) {
            Opened::with(Cipher::Aes256Gcm, &[&STANDARD.encode([8; 32])])
        } else {
            Opened::with(Cipher::Aes256Cbc, &["另一个"])
        };
        let (time, data) = other_key.seal(plain, 1);
        assert_ne!(delivered(&other_key, &time, &data, 1), first);

        let dated = br#"{"platform":"web","message":"m","deviceId":"d1","occurredAt":1763700000000}"#;
        let ids = [3, 4].map(|number| {
            let (time, data) = device.seal(dated, number);
            delivered(&made(), &time, &data, u128::from(number))
        });
        assert_eq!(ids[0], ids[1], "a device that seals again what it sends again is known by the time of the report");
    }
}

#[test]
fn who_has_no_key_cannot_spoil_a_nonce() {
    let opened = gcm();
    let (time, data) = opened.seal(b"{}", 3);
    for place in 0..data.len() {
        let mut forged = data.clone();
        forged[place] ^= 1;
        assert_eq!(opened.open_body(&time, &STANDARD.encode(forged)), Err(Rejection::InvalidCiphertext));
    }
    assert_eq!(opened.open_body(&time, &STANDARD.encode(data)), Ok(b"{}".to_vec()));
}

/// JSON in which no run of 16 bytes could be anything: what `aes-256-cbc` can tell from garbage.
fn numbers() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u32>(), 0..60).prop_map(|numbers| serde_json::to_vec(&numbers).unwrap())
}

proptest! {
    #[test]
    fn what_gcm_seals_it_opens_whatever_it_is(text in prop::collection::vec(any::<u8>(), 0..400), number in any::<u8>()) {
        let opened = gcm();
        let (time, data) = opened.seal(&text, number);
        prop_assert_eq!(data.len(), text.len() + 16);
        prop_assert_eq!(opened.open_body(&time, &STANDARD.encode(data)), Ok(text));
    }

    #[test]
    fn what_cbc_seals_it_opens(text in numbers(), number in any::<u8>()) {
        let opened = cbc();
        let (time, data) = opened.seal(&text, number);
        prop_assert_eq!(opened.open_body(&time, &STANDARD.encode(data)), Ok(text));
    }

    #[test]
    fn any_altered_bit_is_found(text in numbers(), bit in any::<prop::sample::Index>(), in_time in any::<bool>()) {
        for opened in [gcm(), cbc()] {
            let (time, mut data) = opened.seal(&text, 7);
            let mut time = time.into_bytes();
            let place = if in_time { bit.index(time.len() * 8) } else { bit.index(data.len() * 8) };
            let altered = if in_time { &mut time } else { &mut data };
            altered[place / 8] ^= 1 << (place % 8);
            let (time, data) = (String::from_utf8_lossy(&time), STANDARD.encode(&data));
            prop_assert_eq!(opened.open_body(&time, &data), Err(Rejection::InvalidCiphertext));
        }
    }

    #[test]
    fn a_cut_text_is_found(text in numbers(), at in any::<prop::sample::Index>()) {
        for opened in [gcm(), cbc()] {
            let (time, data) = opened.seal(&text, 7);
            let cut = STANDARD.encode(&data[..at.index(data.len())]);
            prop_assert_eq!(opened.open_body(&time, &cut), Err(Rejection::InvalidCiphertext));
        }
    }
}

#[test]
fn a_sealed_body_may_name_other_things() {
    let opened = gcm();
    let (time, data) = opened.seal(b"{}", 3);
    let text = format!("\u{feff}{{\"v\":[1],\"time\":\"{time}\",\"data\":\"{}\"}}", STANDARD.encode(data).replace('/', "\\/"));
    assert_eq!(opened.open(&body(text.as_bytes())), Ok(b"{}".to_vec()));
    let _: Sealed<'_> = serde_json::from_str(r#"{"data":"a","time":"b"}"#).unwrap();
}
