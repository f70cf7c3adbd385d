//! Letting requests in, or not.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    Caller, Callers, Need, Peer, Rates, Refusal, Route,
    callers::Ambiguous,
    timely::{self, Late},
};
use crate::{metrics::Refusals, mutex::locked};

/// How a browser is asked for a token.
const BASIC: &str = "Basic realm=\"graylane: a token as the password\", charset=\"UTF-8\"";

/// Who may come in.
#[derive(Debug, Default)]
pub struct Door {
    /// None: nobody is asked who he is, and everybody is an operator.
    callers: RwLock<Option<Arc<Callers>>>,
    rates: Option<Mutex<Rates<Who>>>,
}

/// Whose requests are counted: the name of the caller, where it is known, and the address.
type Who = (Option<String>, IpAddr);

/// A door, and where refusals are counted.
#[derive(Clone)]
pub struct Guard {
    /// The door.
    pub door: Arc<Door>,
    /// Where refusals are counted.
    pub refusals: Refusals,
}

impl Door {
    /// A door for `callers`, each of whom may ask so many times a second from one address (0: as often as he likes).
    pub fn of(callers: Callers, per_second: u32) -> Self {
        Self { callers: RwLock::new(Some(Arc::new(callers))), rates: Rates::new(per_second).map(Mutex::new) }
    }

    /// From now on lets these in instead.
    pub fn replace(&self, callers: Callers) {
        *self.callers.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(callers));
    }

    /// Who it is that has these credentials. A token counts more than a certificate, since it is shown on purpose.
    ///
    /// # Errors
    /// Where it is nobody who may come in, or somebody who comes too often.
    fn identify(&self, headers: &HeaderMap, peer: Option<&Peer>, is_page: bool) -> Result<Caller, Refusal> {
        let callers = self.callers.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(callers) = callers else { return Ok(Caller::anonymous()) };
        let found = known(&callers, headers, peer, is_page);
        if let (Some(rates), Some(peer)) = (&self.rates, peer) {
            // Those whom nobody knows share a rate by their address.
            let who = (found.as_ref().ok().map(|caller| caller.name.clone()), peer.address);
            let mut rates = locked(rates);
            rates.take(who, Instant::now()).map_err(Refusal::Rate)?;
        }
        found
    }
}

fn known(callers: &Callers, headers: &HeaderMap, peer: Option<&Peer>, is_page: bool) -> Result<Caller, Refusal> {
    if headers.contains_key(header::AUTHORIZATION) {
        let bearer = credentials(headers, b"Bearer ").filter(|token| !token.is_empty()).map(<[u8]>::to_vec);
        let token = bearer.or_else(|| if is_page { password(headers) } else { None }).ok_or(Refusal::NoToken)?;
        return callers.by_token(&token).cloned().ok_or(Refusal::UnknownToken);
    }
    let names = peer.and_then(|peer| peer.names.as_ref()).ok_or(Refusal::NoCredentials)?;
    let found = callers.by_names(names).map_err(|Ambiguous| Refusal::Ambiguous(names.to_vec()))?;
    found.cloned().ok_or_else(|| Refusal::UnknownCertificate(names.to_vec()))
}

/// What stands behind `scheme` in the one `authorization` there is.
fn credentials<'h>(headers: &'h HeaderMap, scheme: &[u8]) -> Option<&'h [u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (one, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let (found, rest) = one.split_at_checked(scheme.len())?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim_ascii())
}

/// The password of `authorization: Basic`, whatever the name before it.
fn password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let pair = BASE64_STANDARD.decode(credentials(headers, b"Basic ")?).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.get(colon.saturating_add(1)..).filter(|password| !password.is_empty()).map(<[u8]>::to_vec)
}

/// Lets a request through to its route, with its [`Caller`] among its extensions, or answers why not.
pub async fn guard(State((guard, table)): State<(Guard, Arc<[Route]>)>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.address);
    match admitted(&guard.door, &table, &request) {
        Ok(Admitted { caller, body }) => {
            // Whatever a handler does with the headers: there is no token among them.
            request.headers_mut().remove(header::AUTHORIZATION);
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            let late = Late::default();
            let response = next.run(timely::within(body, request, &late)).await;
            if late.is_it() { guard.refuse(Refusal::Body(body), address) } else { response }
        }
        Err((refusal, is_page)) => {
            let mut response = guard.refuse(refusal, address);
            if is_page && response.status() == StatusCode::UNAUTHORIZED {
                // A browser asks for a password then.
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
            }
            response
        }
    }
}

impl Guard {
    fn refuse(&self, refusal: Refusal, address: Option<IpAddr>) -> Response {
        self.refusals.count(refusal.label());
        // Whoever is refused for who it is may be an Envoy that gets no rules: the status says so.
        let is_about_who = matches!(refusal.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if let Some(address) = address.filter(|_| is_about_who) {
            self.refusals.note(address, &refusal.detail(), Instant::now());
        }
        refusal.into_response()
    }
}

/// A request that may be answered.
struct Admitted {
    /// None: it may be anybody's.
    caller: Option<Caller>,
    /// How long its body may take.
    body: Duration,
}

/// Whether a request may be answered; else why not, and whether it is for a page.
fn admitted(door: &Door, table: &[Route], request: &Request) -> Result<Admitted, (Refusal, bool)> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_asked = |route: &&Route| match *request.method() {
        Method::HEAD => route.method == Method::GET && !route.is_chore,
        ref method => route.method == *method,
    };
    let route = path.and_then(|path| table.iter().filter(|route| route.path == path).find(is_asked));
    let is_page = route.is_some_and(|route| route.is_page);
    if let Some(route) = route.filter(|route| route.need == Need::Nobody) {
        return Ok(Admitted { caller: None, body: route.body });
    }
    let caller = door.identify(request.headers(), request.extensions().get::<Peer>(), is_page);
    let caller = caller.map_err(|why| (why, is_page))?;
    match (route, path) {
        (Some(route), _) if caller.role.may(route.need) => Ok(Admitted { caller: Some(caller), body: route.body }),
        (Some(route), _) => Err((Refusal::Role(caller, route.need), is_page)),
        (None, Some(path)) => Err((Refusal::Method(request.method().clone(), allowed(table, path)), false)),
        // That there is nothing is told by the fallback, to callers alone.
        (None, None) => Ok(Admitted { caller: Some(caller), body: Duration::ZERO }),
    }
}

/// The methods of a path, as the header `allow` has them.
fn allowed(table: &[Route], path: &str) -> String {
    let routes = table.iter().filter(|route| route.path == path);
    let methods = routes.map(|route| match route.method {
        Method::GET if !route.is_chore => "GET,HEAD",
        ref method => method.as_str(),
    });
    methods.collect::<Vec<_>>().join(",")
}
