//! Who a connection belongs to: SCRAM-SHA-256, once, before anything else.
//!
//! A failed attempt is answered and ends the connection, as in Kafka.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;

use super::NONE;
use crate::access::{Accounts, Principal};
use crate::route::Call;
use crate::scram::{self, Exchange, Refused};

/// What a connection has shown of itself.
pub enum Visitor {
    /// Nothing yet.
    Stranger,
    /// It has chosen the mechanism.
    Greeted,
    /// It has named an account and owes the proof.
    Proving(Box<Exchange>),
    /// It is this one.
    Known(Arc<Principal>),
    /// It failed; its connection ends with the answer.
    Refused,
}

/// Agrees on the mechanism.
pub fn handshake(visitor: &mut Visitor, call: &Call, request: &SaslHandshakeRequest) -> SaslHandshakeResponse {
    let error = match visitor {
        Visitor::Known(_) => ResponseError::IllegalSaslState.code(),
        // The messages of version 0 have no frame of their own; clients since 2017 do better.
        Visitor::Stranger if call.version >= 1 && request.mechanism.as_str() == scram::NAME => {
            *visitor = Visitor::Greeted;
            NONE
        }
        _ => {
            *visitor = Visitor::Refused;
            ResponseError::UnsupportedSaslMechanism.code()
        }
    };
    SaslHandshakeResponse::default().with_error_code(error).with_mechanisms(vec![StrBytes::from_static_str(scram::NAME)])
}

/// Takes one message of the exchange.
pub fn authenticate(accounts: &Accounts, visitor: &mut Visitor, request: &SaslAuthenticateRequest) -> SaslAuthenticateResponse {
    let (next, outcome) = match std::mem::replace(visitor, Visitor::Refused) {
        Visitor::Greeted => match Exchange::begin(accounts, &request.auth_bytes) {
            Ok((exchange, answer)) => (Visitor::Proving(Box::new(exchange)), Ok(answer)),
            Err(Refused) => (Visitor::Refused, Err(ResponseError::SaslAuthenticationFailed)),
        },
        Visitor::Proving(exchange) => match exchange.finish(&request.auth_bytes) {
            Ok((principal, answer)) => {
                tracing::debug!(account = principal.name, "a connection has shown whose it is");
                (Visitor::Known(principal), Ok(answer))
            }
            Err(Refused) => (Visitor::Refused, Err(ResponseError::SaslAuthenticationFailed)),
        },
        known @ Visitor::Known(_) => (known, Err(ResponseError::IllegalSaslState)),
        Visitor::Stranger | Visitor::Refused => (Visitor::Refused, Err(ResponseError::IllegalSaslState)),
    };
    *visitor = next;
    match outcome {
        Ok(answer) => SaslAuthenticateResponse::default().with_error_code(NONE).with_auth_bytes(Bytes::from(answer)),
        Err(error) => {
            let message = StrBytes::from_static_str("authentication failed: wrong user or password, or not SCRAM-SHA-256");
            SaslAuthenticateResponse::default().with_error_code(error.code()).with_error_message(Some(message))
        }
    }
}
