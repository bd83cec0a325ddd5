//! TLS: certificates, versions, handshakes that fail.

use super::*;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A new certificate with its key in a folder.
fn certificate() -> (TempDir, Tls) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let tls = Tls::new("certificate.pem", "key.pem").within(folder.path());
    (folder, tls)
}

fn write(folder: &std::path::Path) {
    let made = rcgen::generate_simple_self_signed(vec!["crash.example".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

async fn start(tls: &Tls) -> Server {
    Server::start(Options { tls: Some(tls.clone()), ..Options::default() }).await
}

/// Asks for `/healthz` in HTTP/1.1 as a client with this configuration; the answer's first line.
async fn ask(server: &Server, config: ClientConfig) -> std::io::Result<String> {
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("crash.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_right_certificate_is_trusted_and_no_other() {
    let (folder, tls) = certificate();
    let server = start(&tls).await;
    let url = format!("https://{}/v1/counts/%E4%BD%A0", server.address);
    let client = Client::trusting(PATIENCE, &tls.certificate).unwrap();
    assert_eq!(client.get(&url).await.unwrap().body, "你: 0 bytes");
    let (_other, other) = certificate();
    for stranger in [Client::trusting(PATIENCE, &other.certificate).unwrap(), Client::new(PATIENCE)] {
        assert!(matches!(stranger.get(&url).await, Err(ClientError::Connection { .. })));
    }
    drop(folder);
    assert_eq!(client.get(&url).await.unwrap().status, 200, "what was read once is in force");
    server.stop().await;
}

#[tokio::test]
async fn http2_is_agreed_on_in_the_handshake() {
    use http_body_util::{BodyExt, Full};
    let (_folder, tls) = certificate();
    let server = start(&tls).await;
    let mut config = pinned::only(&tls.certificate).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("crash.example").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = ::http::Request::put("https://crash.example/v1/counts/a").body(Full::new(Bytes::from(vec![b'x'; 300_000]))).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(answer, "a: 300000 bytes");
    server.stop().await;
}

#[tokio::test]
async fn an_old_version_is_refused_where_it_is_too_old() {
    let (_folder, tls) = certificate();
    let old = |tls: &Tls| {
        let pinned = Arc::new(pinned::Pinned::of(&tls.certificate).unwrap());
        let builder = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS12]);
        builder.dangerous().with_custom_certificate_verifier(pinned).with_no_client_auth()
    };
    let lenient = start(&tls).await;
    assert_eq!(ask(&lenient, old(&tls)).await.unwrap(), "HTTP/1.1 200 OK");
    let strict = start(&Tls { min_version: TlsVersion::V1_3, ..tls.clone() }).await;
    assert!(ask(&strict, old(&tls)).await.is_err());
    assert_eq!(ask(&strict, pinned::only(&tls.certificate).unwrap()).await.unwrap(), "HTTP/1.1 200 OK");
    lenient.stop().await;
    strict.stop().await;
}

#[tokio::test]
async fn garbage_and_silence_end_and_harm_nobody() {
    let (_folder, tls) = certificate();
    let tls = Tls { handshake_timeout: Span::millis(200), max_handshakes: 64, ..tls };
    let server = start(&tls).await;
    let mut silent = server.connect().await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\xff\xff\x01\x00", &[0xff; 5000], b"PRI * HTTP/2.0\r\n\r\n"] {
        let mut wire = server.connect().await;
        wire.try_write(garbage).await;
        assert!(!wire.closed().await.starts_with("HTTP"), "{garbage:?}");
    }
    assert_eq!(silent.closed().await, "");
    assert_eq!(ask(&server, pinned::only(&tls.certificate).unwrap()).await.unwrap(), "HTTP/1.1 200 OK");
    server.stop().await;
}

#[tokio::test]
async fn one_address_does_not_take_all_handshakes() {
    let (_folder, tls) = certificate();
    let tls = Tls { max_handshakes: 4, ..tls };
    let server = start(&tls).await;
    let mut first = Wire::connect_from("127.0.0.9", server.address).await;
    first.write(b"\x16\x03\x01").await;
    let mut second = Wire::connect_from("127.0.0.9", server.address).await;
    assert_eq!(second.closed().await, "");
    assert_eq!(ask(&server, pinned::only(&tls.certificate).unwrap()).await.unwrap(), "HTTP/1.1 200 OK");
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_bad_one_is_not() {
    let (folder, tls) = certificate();
    let held = crate::reload::Reloaded::open(tls.clone()).unwrap();
    let (first, now) = (held.current(), || held.current());
    write(folder.path());
    held.reload().unwrap();
    let second = now();
    assert!(first.cert[0] != second.cert[0], "the new one is in force");
    for broken in ["", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LTdmM2E=\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&tls.key, broken).unwrap();
        assert!(held.reload().is_err());
        assert!(now().cert[0] == second.cert[0], "the old one stays");
    }
    write(folder.path());
    held.reload().unwrap();
    assert!(now().cert[0] != second.cert[0], "and a good one is taken again");
}

#[test]
fn what_is_wrong_is_said_without_the_key() {
    let (folder, tls) = certificate();
    let key = std::fs::read_to_string(&tls.key).unwrap();
    let secret = key.lines().nth(1).unwrap();
    let (_other, other) = certificate();
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, key.replacen("PRIVATE", "PRIVAT", 1)).unwrap();
    let garbled = folder.path().join("garbled.pem");
    std::fs::write(&garbled, key.replacen(&secret[20..24], "????", 1)).unwrap();
    let with = |certificate: &std::path::Path, key: &std::path::Path| Tls::new(certificate, key).check().unwrap_err().to_string();
    for (said, expected) in [
        (with(&tls.certificate, &other.key), "is not that of the certificate"),
        (with(&tls.certificate, &broken), "holds no private key"),
        (with(&tls.certificate, &garbled), "garbled.pem"),
        (with(&tls.certificate, &tls.certificate), "holds no private key"),
        (with(&tls.key, &tls.key), "holds no certificate"),
        (with(&folder.path().join("没有.pem"), &tls.key), "cannot read"),
    ] {
        assert!(said.contains(expected) && !said.contains(&secret[..12]), "{said}");
    }
    assert!(tls.check().is_ok());
}
