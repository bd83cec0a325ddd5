//! Versions of apps and their order: semantic versioning, and the deviations that clients send.
//!
//! ```text
//! [v] number [. number [. number [. number]]] [- pre-release] [+ build]
//! ```
//!
//! Missing numbers are 0. A `v` before the numbers, leading zeros and the build are ignored: `1.0`, `v1.0.0`, `1.0.0.0`,
//! `01.00` and `1.0.0+7` are equal. The fourth number, which Windows uses and semantic versioning does not, is compared after the
//! third and before the pre-release. A version without pre-release is higher than the same numbers with one:
//! `1.2.3-beta` < `1.2.3` = `1.2.3.0` < `1.2.3.4-beta` < `1.2.3.4` < `1.2.4-alpha`. The order is total.

use semver::{BuildMetadata, Prerelease};
use std::fmt;
use std::str::FromStr;

/// The longest text of a version, in bytes.
pub const LONGEST: usize = 128;
const NUMBERS: usize = 4;

/// A version: the parts that are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    numbers: [u64; NUMBERS],
    pre: Prerelease,
}

/// Why a text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty or white space.
    #[error("it is empty")]
    Empty,
    /// The text has more bytes than a version may have.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// The text has more than four numbers.
    #[error("it has more than four numbers")]
    TooManyNumbers,
    /// Something else stands where a number is expected, or a number is larger than 64 bits.
    #[error("expected one to four numbers with dots between them, such as 1.2.3")]
    NotANumber,
    /// The text after `-` is not a pre-release of semantic versioning.
    #[error("the pre-release after the - is none")]
    PreRelease,
    /// The text after `+` is not a build of semantic versioning.
    #[error("the build after the + is none")]
    Build,
}

impl Version {
    /// Reads a version; white space around it is ignored.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Error::TooLong);
        }
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let is_build = |build: &str| !build.is_empty() && BuildMetadata::new(build).is_ok();
        if build.is_some_and(|build| !is_build(build)) {
            return Err(Error::Build);
        }
        Ok(Self { numbers: read_numbers(numbers)?, pre: pre.map_or(Ok(Prerelease::EMPTY), read_pre_release)? })
    }

    /// Whether it is a pre-release.
    #[must_use]
    pub fn is_pre_release(&self) -> bool {
        !self.pre.is_empty()
    }

    /// Whether both have the same numbers, whatever their pre-releases.
    #[must_use]
    pub fn has_numbers_of(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

fn read_numbers(text: &str) -> Result<[u64; NUMBERS], Error> {
    let mut numbers = [0; NUMBERS];
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    for (place, part) in text.split('.').enumerate() {
        let number = numbers.get_mut(place).ok_or(Error::TooManyNumbers)?;
        // `parse` alone would take a sign.
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number).ok_or(Error::NotANumber)?;
    }
    Ok(numbers)
}

fn read_pre_release(text: &str) -> Result<Prerelease, Error> {
    Prerelease::new(text).ok().filter(|pre| !pre.is_empty()).ok_or(Error::PreRelease)
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The text that all equal versions share: three numbers, the fourth unless it is 0, the pre-release.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, fourth] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if fourth > 0 {
            write!(f, ".{fourth}")?;
        }
        if self.is_pre_release() { write!(f, "-{}", self.pre) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
