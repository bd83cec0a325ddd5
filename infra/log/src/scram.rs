//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side. The password never crosses the wire, and the client learns that the server
//! knows it too: who takes the port while the broker is away is believed by nobody.
//!
//! Two messages from the client, each with its answer: [`Exchange::begin`], [`Exchange::finish`]. What arrives is bounded by the size
//! of a request before authentication.

use crate::access::Principal;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use service::signature::{is_equal, mac, sha256};
use std::sync::Arc;

/// The name of the mechanism.
pub const NAME: &str = "SCRAM-SHA-256";
/// The least that clients accept. Passwords here are random: no dictionary has them.
const ITERATIONS: u32 = 4_096;
/// No channel binding: the client's header in Base64.
const UNBOUND: &str = "n,,";

/// What a password is verified with; the password does not follow from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    salt: [u8; 16],
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl Verifier {
    /// Of a password, with a new salt.
    pub fn of(password: &str) -> Verifier {
        let salt: [u8; 16] = rand::random();
        let salted = salted(password, &salt, ITERATIONS);
        Verifier { salt, stored_key: sha256(&mac(&salted, &[b"Client Key"])), server_key: mac(&salted, &[b"Server Key"]) }
    }

    /// Of no password at all.
    pub fn unknown() -> Verifier {
        Verifier { salt: rand::random(), stored_key: rand::random(), server_key: rand::random() }
    }
}

/// An account and what verifies its password.
#[derive(Clone)]
pub struct Known {
    pub verifier: Verifier,
    pub principal: Arc<Principal>,
}

/// The client does not speak SCRAM, or does not know the password.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

/// Between the two messages.
pub struct Exchange {
    verifier: Verifier,
    principal: Arc<Principal>,
    nonce: String,
    /// Both messages so far, as the proof covers them.
    so_far: String,
}

impl Exchange {
    /// Takes the client's first message and gives the answer to it. `find` gives the account of a name.
    ///
    /// # Errors
    /// The message is not one of SCRAM.
    pub fn begin(find: impl FnOnce(&str) -> Known, message: &[u8]) -> Result<(Exchange, String), Refused> {
        let text = std::str::from_utf8(message).map_err(|_| Refused)?;
        let bare = text.strip_prefix(UNBOUND).ok_or(Refused)?;
        let mut fields = bare.split(',');
        let name = fields.next().and_then(|field| field.strip_prefix("n=")).ok_or(Refused)?;
        let theirs = fields.next().and_then(|field| field.strip_prefix("r=")).filter(|nonce| !nonce.is_empty()).ok_or(Refused)?;
        let Known { verifier, principal } = find(&name.replace("=2C", ",").replace("=3D", "="));
        let nonce = format!("{theirs}{}", BASE64_STANDARD.encode(rand::random::<[u8; 18]>()));
        let answer = format!("r={nonce},s={},i={ITERATIONS}", BASE64_STANDARD.encode(verifier.salt));
        let exchange = Exchange { verifier, principal, nonce, so_far: format!("{bare},{answer}") };
        Ok((exchange, answer))
    }

    /// Takes the client's proof; who it is, and the server's own proof.
    ///
    /// # Errors
    /// The proof is not of the password, or covers something else than was said.
    pub fn finish(self, message: &[u8]) -> Result<(Arc<Principal>, String), Refused> {
        let text = std::str::from_utf8(message).map_err(|_| Refused)?;
        let (unproven, proof) = text.rsplit_once(",p=").ok_or(Refused)?;
        let head = format!("c={},r=", BASE64_STANDARD.encode(UNBOUND));
        let nonce = unproven.strip_prefix(&head).filter(|nonce| !nonce.contains(',')).ok_or(Refused)?;
        // As Kafka does: librdkafka before 2.6.1 says its own part twice. What the server added is in it all the same, and the proof covers it.
        if !nonce.ends_with(&self.nonce) {
            return Err(Refused);
        }
        let said = [self.so_far.as_bytes(), b",", unproven.as_bytes()];
        let mut client_key: [u8; 32] = BASE64_STANDARD.decode(proof).ok().and_then(|proof| proof.try_into().ok()).ok_or(Refused)?;
        let signature = mac(&self.verifier.stored_key, &said);
        client_key.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        if !is_equal(&sha256(&client_key), &self.verifier.stored_key) {
            return Err(Refused);
        }
        let own = mac(&self.verifier.server_key, &said);
        Ok((self.principal, format!("v={}", BASE64_STANDARD.encode(own))))
    }
}

/// PBKDF2 with HMAC-SHA-256, one block.
fn salted(password: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut last = mac(password.as_bytes(), &[salt, &1_u32.to_be_bytes()]);
    let mut sum = last;
    for _ in 1..iterations {
        last = mac(password.as_bytes(), &[&last]);
        sum.iter_mut().zip(last).for_each(|(byte, more)| *byte ^= more);
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::access::Account;
    use crate::accounts::Accounts;
    use proptest::prelude::*;

    fn accounts() -> Accounts {
        Accounts::new(&[Account::operator("user", "pencil".into())])
    }

    /// A client's second message to the server's first.
    fn proof(password: &str, bare: &str, answer: &str) -> (String, [u8; 32]) {
        let field = |name: &str| answer.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let salted = salted(password, &BASE64_STANDARD.decode(field("s=")).unwrap(), field("i=").parse().unwrap());
        let unproven = format!("c=biws,r={}", field("r="));
        let said = format!("{bare},{answer},{unproven}");
        let mut key = mac(&salted, &[b"Client Key"]);
        let signature = mac(&sha256(&key), &[said.as_bytes()]);
        key.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        let server = mac(&mac(&salted, &[b"Server Key"]), &[said.as_bytes()]);
        (format!("{unproven},p={}", BASE64_STANDARD.encode(key)), server)
    }

    #[test]
    fn agrees_with_the_example_of_the_rfc() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = salted("pencil", &salt, 4096);
        let said = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server = mac(&mac(&salted, &[b"Server Key"]), &[said.as_bytes()]);
        assert_eq!(BASE64_STANDARD.encode(server), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_password_opens_and_the_server_proves_that_it_knows_it() {
        let (exchange, answer) = Exchange::begin(|name| accounts().find(name), b"n,,n=user,r=abc").unwrap();
        let (message, server) = proof("pencil", "n=user,r=abc", &answer);
        let (principal, own) = exchange.finish(message.as_bytes()).unwrap();
        assert_eq!((principal.name.as_str(), own), ("user", format!("v={}", BASE64_STANDARD.encode(server))));
    }

    #[test]
    fn nothing_else_opens() {
        let accounts = accounts();
        for (name, password) in [("user", "pencil "), ("user", ""), ("nobody", "pencil"), ("", "")] {
            let bare = format!("n={name},r=abc");
            let (exchange, answer) = Exchange::begin(|name| accounts.find(name), format!("n,,{bare}").as_bytes()).unwrap();
            let (message, _) = proof(password, &bare, &answer);
            assert_eq!(exchange.finish(message.as_bytes()).err(), Some(Refused), "{name} {password}");
        }
        for first in ["", "n,,", "n,,n=user", "n,,n=user,r=", "y,,n=user,r=a", "p=tls-unique,,n=user,r=a", "n,a=b,n=user,r=a"] {
            assert!(Exchange::begin(|name| accounts.find(name), first.as_bytes()).is_err(), "{first}");
        }
        let heard = |change: &dyn Fn(String) -> String| {
            let (exchange, answer) = Exchange::begin(|name| accounts.find(name), b"n,,n=user,r=abc").unwrap();
            exchange.finish(change(proof("pencil", "n=user,r=abc", &answer).0).as_bytes()).is_ok()
        };
        assert!(heard(&|message| message));
        assert!(!heard(&|message| message.replace("c=biws", "c=eSws")), "another header");
        assert!(!heard(&|message| message.replacen("r=abc", "r=abd", 1)), "another nonce");
        assert!(!heard(&|message| message.replace(",p=", ",x=1,p=")), "more than was said");
        assert!(!heard(&|message| message.rsplit_once('=').unwrap().0.to_owned()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(first in prop::collection::vec(any::<u8>(), 0..60), last in "(c=biws|,|r=|p=|=|[a-z]){0,20}") {
            let accounts = Accounts::new(&[]);
            prop_assert!(Exchange::begin(|name| accounts.find(name), &first).is_err() || first.starts_with(b"n,,n="));
            let (exchange, _) = Exchange::begin(|name| accounts.find(name), b"n,,n=a,r=b").unwrap();
            prop_assert!(exchange.finish(last.as_bytes()).is_err());
        }
    }
}
