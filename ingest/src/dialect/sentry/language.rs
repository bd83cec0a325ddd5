//! Which language's print an event gets.

use super::event::Event;
use super::frame::Frame;

/// The languages whose prints differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Java,
    Python,
    JavaScript,
    CSharp,
    Go,
    Rust,
    Ruby,
    Php,
    Dart,
    Lua,
    Apple,
    /// C and C++, as gdb prints them.
    Native,
    /// What has no print of its own gets that of gdb, and is not taken for native.
    Other,
}

impl Language {
    /// By the client library, the event's platform, and the frames where neither says.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let sdk = &*event.sdk.name.0;
        if sdk.starts_with("sentry.rust") || sdk == "sentry-rust" {
            return Self::Rust;
        }
        if sdk.starts_with("sentry.dart") {
            return Self::Dart;
        }
        match &*event.platform.0 {
            "java" | "kotlin" | "android" | "groovy" | "scala" | "clojure" => Self::Java,
            "python" => Self::Python,
            "javascript" | "node" => Self::JavaScript,
            "csharp" | "dotnet" => Self::CSharp,
            "go" => Self::Go,
            "rust" => Self::Rust,
            "ruby" => Self::Ruby,
            "php" => Self::Php,
            "dart" => Self::Dart,
            "lua" => Self::Lua,
            "cocoa" | "objc" | "swift" => Self::Apple,
            "native" | "c" | "cpp" => Self::Native,
            _ => stacks(event).find_map(|frame| Self::of_frame(&frame)).unwrap_or(Self::Other),
        }
    }

    fn of_frame(frame: &Frame<'_>) -> Option<Self> {
        let path = frame.abs_path.or(&frame.filename);
        if path.starts_with("package:") || path.starts_with("dart:") {
            return Some(Self::Dart);
        }
        let ending = path.rsplit_once('.').map(|(_, ending)| ending.split(['?', '#']).next().unwrap_or_default());
        match ending {
            Some("java" | "kt" | "scala" | "groovy" | "clj") => Some(Self::Java),
            Some("py") => Some(Self::Python),
            Some("js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "vue" | "bundle") => Some(Self::JavaScript),
            Some("cs") => Some(Self::CSharp),
            Some("go") => Some(Self::Go),
            Some("rs") => Some(Self::Rust),
            Some("rb") => Some(Self::Ruby),
            Some("php") => Some(Self::Php),
            Some("lua") => Some(Self::Lua),
            Some("m" | "mm" | "swift") => Some(Self::Apple),
            _ if !frame.address.is_empty() || !frame.package.is_empty() => Some(Self::Native),
            _ if path.starts_with("http") => Some(Self::JavaScript),
            _ if path.is_empty() && frame.module.0.contains('.') => Some(Self::Java),
            _ => None,
        }
    }

    /// Whether a crash in it is a native one.
    pub(super) fn is_native(self) -> bool {
        matches!(self, Self::Apple | Self::Native | Self::Rust)
    }
}

/// Some frames of the event, the telling ones first.
fn stacks<'e>(event: &'e Event<'_>) -> impl Iterator<Item = Frame<'e>> {
    let exceptions = event.exceptions.0.iter().rev().map(|exception| &exception.stacktrace);
    let threads = event.threads.0.iter().map(|thread| &thread.stacktrace);
    exceptions.chain([&event.stacktrace]).chain(threads).flat_map(|stack| stack.frames.iter().rev().take(8))
}
