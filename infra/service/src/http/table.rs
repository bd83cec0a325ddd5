//! Which route a path means: a map of plain paths first, then the patterns, most literal first.

use std::collections::HashMap;

use http::Method;

use super::percent_decode;

/// Routes by path; a route is known by its index.
#[derive(Default)]
pub(super) struct Table {
    plain: HashMap<&'static str, Methods>,
    patterns: Vec<Pattern>,
}

/// What a path and method lead to.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Route(usize, Captures),
    WrongMethod(Vec<Method>),
    Nothing,
}

pub(super) type Captures = Vec<(String, String)>;

#[derive(Default)]
struct Methods(Vec<(Method, usize)>);

struct Pattern {
    path: &'static str,
    segments: Vec<Segment>,
    methods: Methods,
}

/// Ordered by how much it says: a literal beats a capture, a capture beats a tail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(&'static str),
    One(&'static str),
    Tail(&'static str),
}

/// The path without doubled slashes at its start and without slashes at its end.
pub(super) fn normal(path: &str) -> &str {
    let mut path = path;
    while path.starts_with("//") {
        path = &path[1..];
    }
    while path.len() > 1 && path.ends_with('/') {
        path = &path[..path.len() - 1];
    }
    path
}

impl Table {
    /// Adds a route; false where its method and path are taken.
    pub(super) fn add(&mut self, method: &Method, path: &'static str, route: usize) -> bool {
        if !path.contains('{') {
            return self.plain.entry(normal(path)).or_default().add(method, route);
        }
        if let Some(pattern) = self.patterns.iter_mut().find(|pattern| pattern.path == path) {
            return pattern.methods.add(method, route);
        }
        let segments = path[1..].split('/').map(Segment::read).collect();
        let mut pattern = Pattern { path, segments, methods: Methods::default() };
        pattern.methods.add(method, route);
        let place = self.patterns.partition_point(|other| other.rank() <= pattern.rank());
        self.patterns.insert(place, pattern);
        true
    }

    /// The route of a [`normal`] path.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found {
        let mut allowed = Vec::new();
        if let Some(methods) = self.plain.get(path) {
            match methods.find(method) {
                Some(route) => return Found::Route(route, Vec::new()),
                None => methods.allow(&mut allowed),
            }
        }
        for pattern in &self.patterns {
            let Some(captures) = pattern.matches(path) else { continue };
            match pattern.methods.find(method) {
                Some(route) => return Found::Route(route, captures),
                None => pattern.methods.allow(&mut allowed),
            }
        }
        match allowed.is_empty() {
            true => Found::Nothing,
            false => Found::WrongMethod(allowed),
        }
    }
}

impl Methods {
    fn add(&mut self, method: &Method, route: usize) -> bool {
        let free = self.0.iter().all(|(taken, _)| taken != method);
        if free {
            self.0.push((method.clone(), route));
        }
        free
    }

    fn find(&self, method: &Method) -> Option<usize> {
        let exact = |wanted: &Method| self.0.iter().find(|(own, _)| own == wanted).map(|(_, route)| *route);
        match exact(method) {
            None if method == Method::HEAD => exact(&Method::GET),
            found => found,
        }
    }

    fn allow(&self, allowed: &mut Vec<Method>) {
        for (method, _) in &self.0 {
            if !allowed.contains(method) {
                allowed.push(method.clone());
            }
            if method == Method::GET && !allowed.contains(&Method::HEAD) {
                allowed.push(Method::HEAD);
            }
        }
    }
}

impl Segment {
    fn read(text: &'static str) -> Segment {
        match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) => match name.strip_prefix('*') {
                Some(tail) => Segment::Tail(tail),
                None => Segment::One(name),
            },
            None => Segment::Literal(text),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Segment::Literal(_) => 0,
            Segment::One(_) => 1,
            Segment::Tail(_) => 2,
        }
    }
}

impl Pattern {
    fn rank(&self) -> Vec<u8> {
        self.segments.iter().map(Segment::rank).collect()
    }

    fn matches(&self, path: &str) -> Option<Captures> {
        let mut captures = Vec::new();
        let mut rest = path.strip_prefix('/');
        for segment in &self.segments {
            if let Segment::Tail(name) = segment {
                let tail = percent_decode(rest.unwrap_or_default()).into_owned();
                captures.push(((*name).to_owned(), tail));
                return Some(captures);
            }
            let (here, after) = match rest?.split_once('/') {
                Some((here, after)) => (here, Some(after)),
                None => (rest?, None),
            };
            match segment {
                Segment::Literal(text) if *text != here => return None,
                Segment::One(_) if here.is_empty() => return None,
                Segment::One(name) => {
                    captures.push(((*name).to_owned(), percent_decode(here).into_owned()));
                }
                _ => {}
            }
            rest = after;
        }
        rest.is_none().then_some(captures)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        let paths = ["/{*all}", "/a", "/a/{name}", "/a/{name}/kind/{kind}", "/a/b", "/api/{project}/envelope", "/old/{name}/{*pairs}"];
        for (route, path) in paths.into_iter().enumerate() {
            assert!(table.add(&Method::GET, path, route), "{path}");
        }
        assert!(table.add(&Method::POST, "/a", 90));
        assert!(table.add(&Method::POST, "/a/{name}", 91));
        table
    }

    fn found(method: Method, path: &str) -> (usize, Vec<String>) {
        match table().find(&method, normal(path)) {
            Found::Route(route, captures) => (route, captures.into_iter().map(|(_, value)| value).collect()),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn the_most_literal_route_answers() {
        assert_eq!(found(Method::GET, "/a"), (1, vec![]));
        assert_eq!(found(Method::GET, "//a///"), (1, vec![]));
        assert_eq!(found(Method::POST, "/a"), (90, vec![]));
        assert_eq!(found(Method::GET, "/a/b"), (4, vec![]));
        assert_eq!(found(Method::GET, "/a/c"), (2, vec!["c".into()]));
        assert_eq!(found(Method::POST, "/a/b"), (91, vec!["b".into()]));
        assert_eq!(found(Method::GET, "/a/x/kind/y/"), (3, vec!["x".into(), "y".into()]));
        assert_eq!(found(Method::GET, "/api/1/envelope/"), (5, vec!["1".into()]));
        assert_eq!(found(Method::GET, "/old/t/a/1/b%2F/2"), (6, vec!["t".into(), "a/1/b//2".into()]));
        assert_eq!(found(Method::GET, "/old/t"), (6, vec!["t".into(), String::new()]));
        assert_eq!(found(Method::GET, "/a/%E4%BD%A0"), (2, vec!["你".into()]));
        assert_eq!(found(Method::GET, "/"), (0, vec![String::new()]));
        assert_eq!(found(Method::HEAD, "/x/y"), (0, vec!["x/y".into()]));
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let allowed = vec![Method::GET, Method::HEAD, Method::POST];
        assert_eq!(table().find(&Method::PUT, "/a"), Found::WrongMethod(allowed));
        let mut small = Table::default();
        small.add(&Method::POST, "/only/{here}", 0);
        assert_eq!(small.find(&Method::POST, "/only"), Found::Nothing);
        assert_eq!(small.find(&Method::POST, "/only/x/y"), Found::Nothing);
        assert!(!small.add(&Method::POST, "/only/{here}", 1));
    }
}
