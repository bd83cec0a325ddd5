//! Authentication of a connection: SCRAM-SHA-256, once, before anything else.
//!
//! A failed attempt is answered and ends the connection, as in Kafka.

use super::NONE;
use crate::access::Principal;
use crate::accounts::Accounts;
use crate::call::Call;
use crate::scram::{self, Exchange, Refused};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// How far the authentication of a connection has come.
pub enum Authentication {
    /// It has not begun.
    Missing,
    /// The mechanism is agreed on.
    Agreed,
    /// The client has named an account; its proof is missing.
    Proving(Box<Exchange>),
    /// The connection belongs to this account.
    Done(Arc<Principal>),
    /// It failed; the connection ends with the answer.
    Failed,
}

/// Agrees on the mechanism.
pub fn handshake(state: &mut Authentication, call: &Call, request: &SaslHandshakeRequest) -> SaslHandshakeResponse {
    let error = match state {
        Authentication::Done(_) => ResponseError::IllegalSaslState.code(),
        // The messages of version 0 have no frame of their own; clients since 2017 do better.
        Authentication::Missing if call.version >= 1 && request.mechanism.as_str() == scram::NAME => {
            *state = Authentication::Agreed;
            NONE
        }
        _ => {
            *state = Authentication::Failed;
            ResponseError::UnsupportedSaslMechanism.code()
        }
    };
    SaslHandshakeResponse::default().with_error_code(error).with_mechanisms(vec![StrBytes::from_static_str(scram::NAME)])
}

/// Takes one message of the exchange.
pub fn authenticate(accounts: &Accounts, state: &mut Authentication, request: &SaslAuthenticateRequest) -> SaslAuthenticateResponse {
    let (next, outcome) = match std::mem::replace(state, Authentication::Failed) {
        Authentication::Agreed => match Exchange::begin(|name| accounts.find(name), &request.auth_bytes) {
            Ok((exchange, answer)) => (Authentication::Proving(Box::new(exchange)), Ok(answer)),
            Err(Refused) => (Authentication::Failed, Err(ResponseError::SaslAuthenticationFailed)),
        },
        Authentication::Proving(exchange) => match exchange.finish(&request.auth_bytes) {
            Ok((principal, answer)) => {
                tracing::debug!(account = principal.name, "a connection is authenticated");
                (Authentication::Done(principal), Ok(answer))
            }
            Err(Refused) => (Authentication::Failed, Err(ResponseError::SaslAuthenticationFailed)),
        },
        done @ Authentication::Done(_) => (done, Err(ResponseError::IllegalSaslState)),
        Authentication::Missing | Authentication::Failed => (Authentication::Failed, Err(ResponseError::IllegalSaslState)),
    };
    *state = next;
    match outcome {
        Ok(answer) => SaslAuthenticateResponse::default().with_error_code(NONE).with_auth_bytes(Bytes::from(answer)),
        Err(error) => {
            let message = StrBytes::from_static_str("authentication failed: wrong user or password, or not SCRAM-SHA-256");
            SaslAuthenticateResponse::default().with_error_code(error.code()).with_error_message(Some(message))
        }
    }
}
