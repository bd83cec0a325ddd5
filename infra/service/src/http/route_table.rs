//! Which route answers a method and a path.

use super::percent_decode;
use http::Method;
use matchit::Router;

/// The routes of each method by their paths; a route is known by its index. Where several match, the most literal one answers: a
/// literal beats `{name}`, and that beats `{*tail}`.
#[derive(Default)]
pub(super) struct RouteTable {
    methods: Vec<(Method, Router<Target>)>,
}

#[derive(Clone)]
struct Target {
    route: usize,
    /// The name of the tail, for the path that ends where the tail would begin.
    empty_tail: Option<String>,
}

/// What a path and method lead to.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Route(usize, Captures),
    WrongMethod(Vec<Method>),
    Nothing,
}

/// Names and decoded values of what a path's `{name}` and `{*tail}` matched.
pub(super) type Captures = Vec<(String, String)>;

/// Another route answers this method and path already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) method: Method,
    pub(super) path: String,
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

impl RouteTable {
    /// The table of these routes, each with its methods and its path, in the order of their indices.
    pub(super) fn new<'a>(routes: impl Iterator<Item = (&'a [Method], &'a str)> + Clone) -> Result<Self, Conflict> {
        let mut table = RouteTable::default();
        for (route, (methods, path)) in routes.clone().enumerate() {
            for method in methods {
                let target = Target { route, empty_tail: None };
                let inserted = table.router(method).insert(normal(path), target);
                inserted.map_err(|_| Conflict { method: method.clone(), path: path.to_owned() })?;
            }
        }
        // A tail may be empty. A route of that very path is more literal, so it stays.
        for (route, (methods, path)) in routes.enumerate() {
            let Some((before, tail)) = path.split_once("/{*") else { continue };
            let target = Target { route, empty_tail: Some(tail.trim_end_matches('}').to_owned()) };
            for method in methods {
                let _ = table.router(method).insert(if before.is_empty() { "/" } else { before }, target.clone());
            }
        }
        Ok(table)
    }

    /// The route of a [`normal`] path.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found {
        let head = (method == Method::HEAD).then_some(&Method::GET);
        let found = [Some(method), head].into_iter().flatten().find_map(|method| self.at(method, path));
        if let Some((route, captures)) = found {
            return Found::Route(route, captures);
        }
        let allowed = self.allowed(path);
        if allowed.is_empty() { Found::Nothing } else { Found::WrongMethod(allowed) }
    }

    fn at(&self, method: &Method, path: &str) -> Option<(usize, Captures)> {
        let (_, router) = self.methods.iter().find(|(own, _)| own == method)?;
        let found = router.at(path).ok()?;
        let matched = found.params.iter().map(|(name, value)| (name.to_owned(), percent_decode(value).into_owned()));
        let tail = found.value.empty_tail.iter().map(|name| (name.clone(), String::new()));
        Some((found.value.route, matched.chain(tail).collect()))
    }

    /// The methods that a path takes.
    fn allowed(&self, path: &str) -> Vec<Method> {
        let mut allowed = Vec::new();
        for (method, _) in self.methods.iter().filter(|(_, router)| router.at(path).is_ok()) {
            let implied = (method == Method::GET).then_some(Method::HEAD);
            for method in [Some(method.clone()), implied].into_iter().flatten() {
                if !allowed.contains(&method) {
                    allowed.push(method);
                }
            }
        }
        allowed
    }

    fn router(&mut self, method: &Method) -> &mut Router<Target> {
        let place = self.methods.iter().position(|(own, _)| own == method).unwrap_or_else(|| {
            self.methods.push((method.clone(), Router::new()));
            self.methods.len() - 1
        });
        &mut self.methods[place].1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];

    fn table(routes: &[(&[Method], &str)]) -> Result<RouteTable, Conflict> {
        RouteTable::new(routes.iter().copied())
    }

    fn usual() -> RouteTable {
        let get = ["/{*all}", "/a", "/a/{name}", "/a/{name}/kind/{kind}", "/a/b", "/api/{project}/envelope", "/old/{name}/{*pairs}"];
        let mut routes: Vec<(&[Method], &str)> = get.into_iter().map(|path| (GET, path)).collect();
        routes.extend([(POST, "/a"), (POST, "/a/{other}"), (GET, "/shop/"), (GET, "/shop/{*rest}")]);
        table(&routes).unwrap()
    }

    fn found(method: Method, path: &str) -> (usize, Vec<String>) {
        match usual().find(&method, normal(path)) {
            Found::Route(route, captures) => (route, captures.into_iter().map(|(_, value)| value).collect()),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn the_most_literal_route_answers() {
        assert_eq!(found(Method::GET, "/a"), (1, vec![]));
        assert_eq!(found(Method::POST, "/a"), (7, vec![]));
        assert_eq!(found(Method::GET, "/a/b"), (4, vec![]));
        assert_eq!(found(Method::GET, "/a/c"), (2, vec!["c".into()]));
        assert_eq!(found(Method::POST, "/a/b"), (8, vec!["b".into()]), "the literal route takes no POST");
        assert_eq!(found(Method::GET, "/a/x/kind/y"), (3, vec!["x".into(), "y".into()]));
        assert_eq!(found(Method::GET, "/a/x/other/y"), (0, vec!["a/x/other/y".into()]), "back to a route that matches");
        assert_eq!(found(Method::HEAD, "/x/y"), (0, vec!["x/y".into()]));
    }

    #[test]
    fn slashes_at_the_ends_do_not_count_and_those_between_do() {
        assert_eq!(found(Method::GET, "//a///"), (1, vec![]));
        assert_eq!(found(Method::GET, "/a/x/kind/y/"), (3, vec!["x".into(), "y".into()]));
        assert_eq!(found(Method::GET, "/api/1/envelope/"), (5, vec!["1".into()]));
        assert_eq!(found(Method::GET, "/a//b"), (0, vec!["a//b".into()]), "a name is never empty");
        assert_eq!(found(Method::GET, "/"), (0, vec![String::new()]));
        assert_eq!(found(Method::GET, "///"), (0, vec![String::new()]));
        assert_eq!(found(Method::GET, "/shop/"), (9, vec![]), "a route written with a slash at its end");
    }

    #[test]
    fn a_tail_may_be_empty() {
        assert_eq!(found(Method::GET, "/old/t"), (6, vec!["t".into(), String::new()]));
        assert_eq!(found(Method::GET, "/old/t/"), (6, vec!["t".into(), String::new()]));
        assert_eq!(found(Method::GET, "/old/t//x"), (6, vec!["t".into(), "/x".into()]));
        assert_eq!(found(Method::GET, "/shop"), (9, vec![]), "the path itself is more literal");
        assert_eq!(found(Method::GET, "/shop/x"), (10, vec!["x".into()]));
    }

    #[test]
    fn escapes_are_decoded_after_the_route_is_found() {
        assert_eq!(found(Method::GET, "/old/t/a/1/b%2F/2"), (6, vec!["t".into(), "a/1/b//2".into()]));
        assert_eq!(found(Method::GET, "/a/x%2Fkind%2Fy"), (2, vec!["x/kind/y".into()]), "an escaped slash divides nothing");
        assert_eq!(found(Method::GET, "/a/%E4%BD%A0"), (2, vec!["你".into()]));
        assert_eq!(found(Method::GET, "/a/%62"), (2, vec!["b".into()]), "an escaped letter is not the literal");
        assert_eq!(found(Method::GET, "/a/%zz%4"), (2, vec!["%zz%4".into()]), "a bad escape stays");
        assert_eq!(found(Method::GET, "/a/x+y%2B"), (2, vec!["x+y+".into()]), "a plus is a plus in a path");
        assert_eq!(found(Method::GET, "/a/%FF"), (2, vec!["\u{FFFD}".into()]));
        assert_eq!(found(Method::GET, "/a/{name}"), (2, vec!["{name}".into()]));
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let allowed = vec![Method::GET, Method::HEAD, Method::POST];
        assert_eq!(usual().find(&Method::PUT, "/a"), Found::WrongMethod(allowed));
        let small = table(&[(POST, "/only/{here}")]).unwrap();
        for path in ["/only", "/only/x/y", "*", ""] {
            assert_eq!(small.find(&Method::POST, path), Found::Nothing, "{path}");
        }
    }

    #[test]
    fn two_routes_of_one_method_and_path_conflict() {
        let conflict = |path: &str| Conflict { method: Method::POST, path: path.to_owned() };
        assert_eq!(table(&[(POST, "/a/{x}"), (GET, "/a/{x}"), (POST, "/a/{x}")]).err(), Some(conflict("/a/{x}")));
        assert_eq!(table(&[(POST, "/a"), (POST, "/a/")]).err(), Some(conflict("/a/")));
    }
}
