//! `package@version+build`, of which every part but the version may be missing.

/// A release in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Release<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) build: &'a str,
}

impl<'a> Release<'a> {
    pub(super) fn of(release: &'a str) -> Self {
        let release = release.trim();
        // The `@` of `@scope/package@1.0` begins a name; one without a version is no release by parts.
        let split = release.rsplit_once('@').filter(|(package, version)| !package.is_empty() && !version.is_empty());
        let (package, version) = split.unwrap_or(("", release));
        let (version, build) = version.split_once('+').filter(|(version, _)| !version.is_empty()).unwrap_or((version, ""));
        Self { package, version, build }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_but_the_version_may_be_missing() {
        let cases = [
            ("com.shop@2.1.0+45", ("com.shop", "2.1.0", "45")),
            ("@shop/web@2.1.0", ("@shop/web", "2.1.0", "")),
            ("2.1.0+45", ("", "2.1.0", "45")),
            ("1f0e2d3c", ("", "1f0e2d3c", "")),
            ("商店@2.1", ("商店", "2.1", "")),
            ("shop@", ("", "shop@", "")),
            ("+1", ("", "+1", "")),
            ("", ("", "", "")),
        ];
        for (release, parts) in cases {
            let found = Release::of(release);
            assert_eq!((found.package, found.version, found.build), parts, "{release}");
        }
    }
}
