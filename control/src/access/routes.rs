//! Routes, each with what it needs: there is no other way to add one.

use std::time::Duration;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodFilter, on},
};

use super::{Guard, Need, door};

/// The longest the body of a request may take.
const BODY: Duration = Duration::from_secs(30);

/// The longest that documents may take: there may be a hundred times as many bytes.
const DOCUMENTS: Duration = Duration::from_secs(300);

/// The longest that a backup may take.
const BACKUP: Duration = Duration::from_secs(3_600);

/// A route, and what it asks of whoever calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its method; GET means HEAD as well, but of a chore.
    pub method: Method,
    /// Its path, as axum writes it: `/v1/namespaces/{namespace}/status`.
    pub path: &'static str,
    /// What it needs.
    pub need: Need,
    /// The longest that the body of a request may take.
    pub body: Duration,
    /// Whether it is for people in a browser, which sends a token as a password: `authorization: Basic`.
    pub is_page: bool,
    /// Whether a GET goes through all that is kept: too much for a HEAD, whose answer leaves everything out.
    pub is_chore: bool,
}

/// What most routes have.
const PLAIN: Route =
    Route { method: Method::GET, path: "", need: Need::Operate, body: BODY, is_page: false, is_chore: false };

/// Routes that say what they need.
///
/// The table of them is what the door goes by, and it denies what is not in it. So a handler that got into the router by
/// another way would answer nobody.
pub struct Routes<S> {
    router: Router<S>,
    table: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub fn new() -> Self {
        Self { router: Router::new(), table: Vec::new() }
    }

    /// Those of a router that says nothing of what they need.
    #[cfg(test)]
    pub fn beside(router: Router<S>) -> Self {
        Self { router, table: Vec::new() }
    }

    /// The same with a GET of `path`, for whoever may `need`.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &'static str, need: Need, handler: H) -> Self {
        self.with(MethodFilter::GET, Route { method: Method::GET, path, need, ..PLAIN }, handler)
    }

    /// The same with a GET of `path`, and no HEAD, that goes through all that is kept.
    pub fn chore<H: Handler<T, S>, T: 'static>(self, path: &'static str, need: Need, handler: H) -> Self {
        self.with(MethodFilter::GET, Route { method: Method::GET, path, need, is_chore: true, ..PLAIN }, handler)
    }

    /// The same with a page at `path`, which reads and changes nothing, for whoever may `need`.
    pub fn page<H: Handler<T, S>, T: 'static>(self, path: &'static str, need: Need, handler: H) -> Self {
        self.with(MethodFilter::GET, Route { method: Method::GET, path, need, is_page: true, ..PLAIN }, handler)
    }

    /// The same with a POST to `path`, for whoever may `need`.
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &'static str, need: Need, handler: H) -> Self {
        let body = if need == Need::Publish { DOCUMENTS } else { BODY };
        self.with(MethodFilter::POST, Route { method: Method::POST, path, need, body, ..PLAIN }, handler)
    }

    /// The same with a POST of a backup to `path`, for whoever may `need`.
    pub fn upload<H: Handler<T, S>, T: 'static>(self, path: &'static str, need: Need, handler: H) -> Self {
        self.with(MethodFilter::POST, Route { method: Method::POST, path, need, body: BACKUP, ..PLAIN }, handler)
    }

    fn with<H: Handler<T, S>, T: 'static>(mut self, filter: MethodFilter, route: Route, handler: H) -> Self {
        let router = self.router.route(route.path, on(filter, handler));
        self.table.push(route);
        Self { router, table: self.table }
    }

    /// These and `other`.
    pub fn and(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        Self { router: self.router.merge(other.router), table: self.table }
    }

    /// All of them.
    #[cfg(test)]
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// A router behind `guard`, which lets a request through where its caller may what its route needs. What is on no route
    /// is answered by `fallback`, but only to callers.
    pub fn guarded<H: Handler<T, S>, T: 'static>(self, guard: Guard, fallback: H) -> Router<S> {
        let guarding = middleware::from_fn_with_state((guard, self.table.into()), door::guard);
        self.router.fallback(fallback).layer(guarding)
    }
}
