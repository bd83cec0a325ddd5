//! Why a request or one of its records was refused, and how each dialect says so.

use schemas::outcome::Outcome;
use service::http::StatusCode;
use std::fmt;
use std::time::Duration;

/// The longest explanation that goes out, in bytes; what a client sent may be part of it.
const LONGEST_MESSAGE: usize = 240;
/// Seconds after which a client comes again that a full disk turned away: somebody has to make room.
const AFTER_FULL: u64 = 30;

/// A report or a request that was not taken.
///
/// All but the last three are the caller's or the data's fault. `Busy`, `LogUnavailable` and `DiskFull` are the server's; they
/// are here because the caller is told in the same place, and every dialect has words for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No app has the key, or none was named and there is no default.
    #[error("no app has this key")]
    UnknownApp,
    /// The key is an app's, but not of the project in the path.
    #[error("the key is not of this project")]
    OtherProject,
    /// The app takes sealed reports only and this one was plain.
    #[error("this app takes sealed reports only")]
    ChannelRequired,
    /// A web page of an origin that the app does not list.
    #[error("this app takes nothing from pages of this origin")]
    OriginNotAllowed,
    /// Sealed, and cannot be opened; nothing tells why.
    #[error("the sealed report cannot be opened")]
    InvalidCiphertext,
    /// A sealed report for an app that has no secret.
    #[error("this app has no secret for the device channel")]
    SecretIsEmpty,
    /// What was sent is not a report; says which field and why.
    #[error("{0}")]
    InvalidParams(String),
    /// A `Content-Encoding` that is not known.
    #[error("the content encoding is none of gzip, zstd, deflate, br and identity")]
    UnsupportedEncoding,
    /// More bytes or reports than a request or a record may have; says which bound.
    #[error("{0}")]
    TooLarge(String),
    /// Over a limit of the device, the address or the app.
    #[error("too many requests {limit}, send again later")]
    TooManyRequests {
        /// Which limit.
        limit: Limit,
        /// When it may pass.
        retry_after: Duration,
    },
    /// Too many long bodies of the address wait, or this one waited too long.
    #[error("too many large requests wait, send again later")]
    Busy {
        /// When it may pass.
        retry_after: Duration,
    },
    /// The log did not acknowledge.
    #[error("the log did not acknowledge, send again later")]
    LogUnavailable {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The disk of log and tables has too little room.
    #[error("there is no room for more, send again later")]
    DiskFull,
}

/// What has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A device at its address, per minute.
    Device,
    /// An address of an app, per minute.
    Address,
    /// The bytes from an address of an app, per minute.
    AddressBytes,
    /// An app, per minute.
    AppMinute,
    /// An app, per minute: what is left is kept for crashes.
    AppMinuteShared,
    /// The bytes of an app, per minute.
    AppBytes,
    /// The bytes of an app, per minute: what is left is kept for crashes.
    AppBytesShared,
    /// An app, per UTC day.
    AppDay,
    /// An app, per UTC day: what is left is kept for crashes.
    AppDayShared,
}

/// Whose a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A device at its address; another device at that address may go on.
    Device,
    /// All that comes from an address for the app.
    Address,
    /// All that comes for the app.
    App,
}

impl Limit {
    /// The reason on the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "PerDevice",
            Self::Address => "PerAddress",
            Self::AddressBytes => "BytesPerAddress",
            Self::AppMinute | Self::AppMinuteShared => "AppPerMinute",
            Self::AppBytes | Self::AppBytesShared => "AppBytesPerMinute",
            Self::AppDay | Self::AppDayShared => "AppPerDay",
        }
    }

    /// Whose it is.
    pub fn scope(self) -> Scope {
        match self {
            Self::Device => Scope::Device,
            Self::Address | Self::AddressBytes => Scope::Address,
            Self::AppMinute | Self::AppMinuteShared | Self::AppBytes | Self::AppBytesShared | Self::AppDay | Self::AppDayShared => {
                Scope::App
            }
        }
    }

    /// Whether a crash would have passed.
    pub fn spares_crashes(self) -> bool {
        match self {
            Self::AppMinuteShared | Self::AppBytesShared | Self::AppDayShared => true,
            Self::Device | Self::Address | Self::AddressBytes | Self::AppMinute | Self::AppBytes | Self::AppDay => false,
        }
    }
}

impl Scope {
    /// In replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Address => "address",
            Self::App => "app",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "of this device",
            Self::Address => "of this address",
            Self::AddressBytes => "of this address by their bytes",
            Self::AppMinute => "of this app",
            Self::AppMinuteShared => "of this app, what is left is kept for crashes",
            Self::AppBytes => "of this app by their bytes",
            Self::AppBytesShared => "of this app by their bytes, what is left is kept for crashes",
            Self::AppDay => "of this app today",
            Self::AppDayShared => "of this app today, what is left is kept for crashes",
        })
    }
}

impl Rejection {
    /// What was sent is not a report: `why` names the field. Long explanations are cut.
    pub fn invalid(why: impl Into<String>) -> Self {
        let mut why = why.into();
        if crate::dialect::cut::cut(&mut why, LONGEST_MESSAGE) {
            why.push('…');
        }
        Self::InvalidParams(why)
    }

    /// The stable code of the native dialect and of the metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownApp => "UnknownApp",
            Self::OtherProject => "OtherProject",
            Self::ChannelRequired => "ChannelRequired",
            Self::OriginNotAllowed => "OriginNotAllowed",
            Self::InvalidCiphertext => "InvalidCiphertext",
            Self::SecretIsEmpty => "SecretIsEmpty",
            Self::InvalidParams(_) => "InvalidParams",
            Self::UnsupportedEncoding => "UnsupportedEncoding",
            Self::TooLarge(_) => "TooLarge",
            Self::TooManyRequests { .. } => "TooManyRequests",
            Self::Busy { .. } => "Busy",
            Self::LogUnavailable { .. } => "LogUnavailable",
            Self::DiskFull => "DiskFull",
        }
    }

    /// The HTTP status, the same in every dialect. The app-key dialect repeats it in its body.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownApp => StatusCode::UNAUTHORIZED,
            Self::OtherProject | Self::ChannelRequired | Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::InvalidCiphertext | Self::SecretIsEmpty | Self::InvalidParams(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } | Self::LogUnavailable { .. } | Self::DiskFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// `code` and `msg` of the log-message dialect.
    pub fn log_message_code(&self) -> (u32, &'static str) {
        match self {
            Self::UnknownApp | Self::OtherProject | Self::ChannelRequired | Self::OriginNotAllowed => (40005, "NoAccess"),
            Self::InvalidCiphertext => (40006, "InvalidCiphertext"),
            Self::SecretIsEmpty => (40007, "SecretIsEmpty"),
            Self::InvalidParams(_) | Self::UnsupportedEncoding | Self::TooLarge(_) => (400, "InvalidParams"),
            Self::TooManyRequests { .. } => (401, "TooManyRequests"),
            Self::Busy { .. } | Self::LogUnavailable { .. } | Self::DiskFull => (10001, "DatabaseQueryError"),
        }
    }

    /// `message` of the app-key dialect, whose callers read Chinese.
    pub fn app_key_message(&self) -> String {
        match self {
            Self::UnknownApp | Self::OtherProject => "app_key 无效".to_owned(),
            Self::ChannelRequired => "该应用只接受加密上报".to_owned(),
            Self::OriginNotAllowed => "该应用不接受此来源的页面".to_owned(),
            Self::InvalidCiphertext => "密文无效".to_owned(),
            Self::SecretIsEmpty => "该应用未配置密钥".to_owned(),
            Self::InvalidParams(why) => format!("参数错误: {why}"),
            Self::UnsupportedEncoding => "不支持的内容编码".to_owned(),
            Self::TooLarge(why) => format!("内容过大: {why}"),
            Self::TooManyRequests { .. } => "请求过于频繁, 请稍后重试".to_owned(),
            Self::Busy { .. } | Self::LogUnavailable { .. } | Self::DiskFull => "服务暂不可用, 请稍后重试".to_owned(),
        }
    }

    /// `Retry-After` in whole seconds, at least one.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Busy { retry_after } | Self::LogUnavailable { retry_after } => {
                let begun = u64::from(retry_after.subsec_nanos() > 0);
                Some((retry_after.as_secs() + begun).max(1))
            }
            Self::DiskFull => Some(AFTER_FULL),
            Self::UnknownApp
            | Self::OtherProject
            | Self::ChannelRequired
            | Self::OriginNotAllowed
            | Self::InvalidCiphertext
            | Self::SecretIsEmpty
            | Self::InvalidParams(_)
            | Self::UnsupportedEncoding
            | Self::TooLarge(_) => None,
        }
    }

    /// Whose limit it was over; `None` where it was over none.
    pub fn scope(&self) -> Option<Scope> {
        let Self::TooManyRequests { limit, .. } = self else { return None };
        Some(limit.scope())
    }

    /// How it is counted.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::TooManyRequests { limit, .. } => Outcome::Throttled(limit.name()),
            Self::UnknownApp
            | Self::OtherProject
            | Self::ChannelRequired
            | Self::OriginNotAllowed
            | Self::InvalidCiphertext
            | Self::SecretIsEmpty
            | Self::InvalidParams(_)
            | Self::UnsupportedEncoding
            | Self::TooLarge(_)
            | Self::Busy { .. }
            | Self::LogUnavailable { .. }
            | Self::DiskFull => Outcome::Rejected(self.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_message_is_answered_as_its_protocol_says() {
        let later = Duration::from_millis(1);
        let said = |rejection: Rejection| (rejection.status().as_u16(), rejection.log_message_code());
        assert_eq!(said(Rejection::invalid("x")), (400, (400, "InvalidParams")));
        assert_eq!(said(Rejection::TooManyRequests { limit: Limit::Device, retry_after: later }), (429, (401, "TooManyRequests")));
        assert_eq!(said(Rejection::LogUnavailable { retry_after: later }), (503, (10001, "DatabaseQueryError")));
        assert_eq!(said(Rejection::Busy { retry_after: later }), (503, (10001, "DatabaseQueryError")));
        assert_eq!(said(Rejection::DiskFull), (503, (10001, "DatabaseQueryError")));
        assert_eq!(said(Rejection::UnknownApp), (401, (40005, "NoAccess")));
        assert_eq!(said(Rejection::ChannelRequired), (403, (40005, "NoAccess")));
        assert_eq!(said(Rejection::OriginNotAllowed), (403, (40005, "NoAccess")));
        assert_eq!(said(Rejection::InvalidCiphertext), (400, (40006, "InvalidCiphertext")));
        assert_eq!(said(Rejection::SecretIsEmpty), (400, (40007, "SecretIsEmpty")));
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let later = |millis| Rejection::TooManyRequests { limit: Limit::AppDay, retry_after: Duration::from_millis(millis) };
        let seconds = |millis| later(millis).retry_after();
        assert_eq!([seconds(0), seconds(1), seconds(1000), seconds(1001)], [Some(1), Some(1), Some(1), Some(2)]);
        assert_eq!((Rejection::DiskFull.retry_after(), Rejection::UnknownApp.retry_after()), (Some(30), None));
    }

    #[test]
    fn a_long_explanation_is_cut_between_characters() {
        let Rejection::InvalidParams(why) = Rejection::invalid("崩溃".repeat(1000)) else { unreachable!() };
        assert!(why.len() <= LONGEST_MESSAGE + '…'.len_utf8() && why.ends_with('…'), "{why}");
    }
}
