//! Why a request is not let through, as it is told and as it is counted.

use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Caller, Need};
use crate::delivery::Problem;

/// So many seconds later it may be tried again where there are too many connections.
const LATER: u64 = 5;

/// Why a request is not let through, or a connection not served. None of them says anything of a token but that there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Neither a token nor a certificate.
    NoCredentials,
    /// An `authorization` that is none of a token.
    NoToken,
    /// A token that no caller has.
    UnknownToken,
    /// A certificate of none of the callers, with these names.
    UnknownCertificate(Vec<String>),
    /// A certificate of several callers, with these names.
    Ambiguous(Vec<String>),
    /// A caller whose role is not enough.
    Role(Caller, Need),
    /// A method that the path does not have, but only these.
    Method(Method, String),
    /// More requests than may be; the next one may come after this time.
    Rate(Duration),
    /// The body did not come in time.
    Body(Duration),
    /// So many connections in all are there already.
    Connections(usize),
    /// So many connections from one address are there already.
    ConnectionsOfAddress(usize),
}

impl Refusal {
    /// Every word by which refusals are counted.
    pub const LABELS: [&'static str; 13] = [
        "no-credentials",
        "unknown-token",
        "unknown-certificate",
        "role",
        "method",
        "rate",
        "slow-head",
        "slow-body",
        "connections",
        "connections-of-address",
        "handshake",
        "slow-handshake",
        "stalled",
    ];

    /// The word by which it is counted.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoCredentials | Self::NoToken => "no-credentials",
            Self::UnknownToken => "unknown-token",
            Self::UnknownCertificate(_) | Self::Ambiguous(_) => "unknown-certificate",
            Self::Role(..) => "role",
            Self::Method(..) => "method",
            Self::Rate(_) => "rate",
            Self::Body(_) => "slow-body",
            Self::Connections(_) => "connections",
            Self::ConnectionsOfAddress(_) => "connections-of-address",
        }
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::UnknownCertificate(_) | Self::Ambiguous(_) => StatusCode::UNAUTHORIZED,
            Self::Role(..) => StatusCode::FORBIDDEN,
            Self::Method(..) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Rate(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Body(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Connections(_) | Self::ConnectionsOfAddress(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// `found …, expected …`.
    pub fn detail(&self) -> String {
        const TOKEN: &str = "a token of a caller, as `authorization: Bearer TOKEN`";
        match self {
            Self::NoCredentials => format!("found no credentials, expected {TOKEN}, or a client certificate of one"),
            Self::NoToken => format!("found an authorization that has no token, expected {TOKEN}"),
            Self::UnknownToken => format!("found a token that no caller has, expected {TOKEN}"),
            Self::UnknownCertificate(names) => {
                format!(
                    "found a certificate of {}, which no caller is, expected one of a caller, or {TOKEN}",
                    listed(names)
                )
            }
            Self::Ambiguous(names) => {
                format!(
                    "found a certificate of {}, which are several callers, expected one of one caller",
                    listed(names)
                )
            }
            Self::Role(caller, need) => {
                let Caller { name, role } = caller;
                format!("found the caller {name:?}, a {}, expected a caller of the role {}", role.name(), need.roles())
            }
            Self::Method(method, _) => {
                format!("found the method {method}, expected the one in the allow header")
            }
            Self::Rate(wait) => {
                format!(
                    "found more requests than may come from one caller and address, expected the next one in {wait:?}"
                )
            }
            Self::Body(limit) => format!("found a body that did not end within {limit:?}, expected a whole one"),
            Self::Connections(limit) => format!("found {limit} connections, expected fewer"),
            Self::ConnectionsOfAddress(limit) => format!("found {limit} connections from your address, expected fewer"),
        }
    }

    /// The header that says in the terms of HTTP what would be right.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let seconds = |seconds: u64| Some((header::RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        match self {
            Self::NoCredentials | Self::UnknownCertificate(_) | Self::Ambiguous(_) => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"graylane\"")))
            }
            Self::NoToken | Self::UnknownToken => {
                let value = "Bearer realm=\"graylane\", error=\"invalid_token\"";
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static(value)))
            }
            Self::Role(..) => {
                let value = "Bearer realm=\"graylane\", error=\"insufficient_scope\"";
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static(value)))
            }
            Self::Method(_, allowed) => Some((header::ALLOW, HeaderValue::from_str(allowed).ok()?)),
            Self::Rate(wait) => seconds(wait.as_secs().saturating_add(1)),
            Self::Connections(_) | Self::ConnectionsOfAddress(_) => seconds(LATER),
            Self::Body(_) => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Problem::new(self.status(), self.detail()).into_response();
        response.headers_mut().extend(self.header());
        response
    }
}

/// Names of a certificate, which are its owner's and not secret; a few of them.
fn listed(names: &[String]) -> String {
    match names {
        [] => "nobody (neither a URI nor a DNS name)".to_owned(),
        names => names.iter().take(3).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
    }
}
