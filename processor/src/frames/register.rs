//! The register of languages: everything that grouping knows of each but the signs by which [`super::sniff`] recognises its texts.

use super::classify::{self, RuleFile};
use super::{Frame, Language, Trace, normal, symbol};
use super::{anr, csharp, dart, go, hotspot, java, javascript, kernel, lua, native, php, python, ruby, rust, unreal};

/// An entry of the register.
pub struct Entry {
    pub language: Language,
    /// The name of the parser, as it is stored and shown.
    pub name: &'static str,
    /// Reads a text whose frames are of this language.
    pub parse: for<'a> fn(&'a str) -> Option<Trace<'a>>,
    /// Appends the normal name of a frame, see [`normal`].
    pub write_name: fn(&Frame<'_>, &mut String),
    /// Which frames are the system's, a library's or the application's.
    pub rules: &'static RuleFile,
    /// Whether a program of this language ends by a signal or a fault of the machine, not by an exception.
    pub is_native: bool,
    /// Whether normal names are `package.Class.method`, so that classes can be told from methods.
    pub has_classes: bool,
}

/// Every language, in the order of [`Language`].
pub static LANGUAGES: [Entry; 15] = [
    Entry {
        language: Language::Java,
        name: "java",
        parse: java::parse,
        write_name: normal::java,
        rules: &classify::JAVA,
        is_native: false,
        has_classes: true,
    },
    Entry {
        language: Language::Python,
        name: "python",
        parse: python::parse,
        write_name: normal::script,
        rules: &classify::SCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::JavaScript,
        name: "javascript",
        parse: javascript::parse,
        write_name: normal::javascript,
        rules: &classify::JAVASCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::CSharp,
        name: "csharp",
        parse: csharp::parse,
        write_name: normal::csharp,
        rules: &classify::CSHARP,
        is_native: false,
        has_classes: true,
    },
    Entry {
        language: Language::Native,
        name: "native",
        parse: native::parse,
        write_name: symbol::native,
        rules: &classify::NATIVE,
        is_native: true,
        has_classes: false,
    },
    Entry {
        language: Language::Kernel,
        name: "kernel",
        parse: kernel::parse,
        write_name: symbol::kernel,
        rules: &classify::KERNEL,
        is_native: true,
        has_classes: false,
    },
    Entry {
        language: Language::Go,
        name: "go",
        parse: go::parse,
        write_name: normal::go,
        rules: &classify::NATIVE,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Rust,
        name: "rust",
        parse: rust::parse,
        write_name: symbol::native,
        rules: &classify::NATIVE,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Php,
        name: "php",
        parse: php::parse,
        write_name: normal::script,
        rules: &classify::SCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Ruby,
        name: "ruby",
        parse: ruby::parse,
        write_name: normal::script,
        rules: &classify::SCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Dart,
        name: "dart",
        parse: dart::parse,
        write_name: normal::script,
        rules: &classify::SCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Lua,
        name: "lua",
        parse: lua::parse,
        write_name: normal::script,
        rules: &classify::SCRIPT,
        is_native: false,
        has_classes: false,
    },
    Entry {
        language: Language::Unreal,
        name: "unreal",
        parse: unreal::parse,
        write_name: symbol::native,
        rules: &classify::NATIVE,
        is_native: true,
        has_classes: false,
    },
    Entry {
        language: Language::HotSpot,
        name: "hotspot",
        parse: hotspot::parse,
        write_name: symbol::native,
        rules: &classify::NATIVE,
        is_native: true,
        has_classes: false,
    },
    Entry {
        language: Language::Threads,
        name: "threads",
        parse: anr::parse,
        write_name: normal::java,
        rules: &classify::JAVA,
        is_native: false,
        has_classes: false,
    },
];

impl Language {
    /// What grouping knows of the language.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        &LANGUAGES[self as usize]
    }

    /// The name of the parser, as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_register_is_in_the_order_of_the_languages_and_no_name_occurs_twice() {
        assert!(LANGUAGES.iter().enumerate().all(|(place, entry)| entry.language as usize == place));
        assert_eq!(LANGUAGES.iter().map(|entry| entry.name).collect::<BTreeSet<_>>().len(), LANGUAGES.len());
    }
}
