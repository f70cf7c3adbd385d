//! Who may look at a page.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::Response,
};

use super::layout;
use crate::{access::Caller, finding::one_line, namespace::Namespace};

/// Somebody who may read the namespace, and the namespace.
///
/// Where nobody is asked who he is, a page of another site could have its own name resolved to this address, and read what a browser
/// here may read (DNS rebinding). So the host that the browser believes to talk to must be an address, `localhost`, or a name
/// that serving was told.
pub struct Reader(pub Arc<Namespace>);

impl FromRequestParts<Arc<Namespace>> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, namespace: &Arc<Namespace>) -> Result<Self, Response> {
        let host = match parts.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
        };
        let is_known = parts.extensions.get::<Caller>().is_some_and(|caller| !caller.is_anonymous());
        if is_known || is_ours(host.unwrap_or_default(), &namespace.page.hosts) {
            return Ok(Self(Arc::clone(namespace)));
        }
        let found = match host {
            Some(host) => format!("found the host \"{}\"", one_line(host)),
            None => "found no host".to_owned(),
        };
        let expected = "expected an address, localhost, or a name that serve was given with --page-host";
        Err(layout::failure(namespace, StatusCode::FORBIDDEN, &format!("{found}, {expected}")))
    }
}

/// Whether the host of a request, with or without a port, is one under which the page is to be found.
fn is_ours(host: &str, names: &[String]) -> bool {
    let bare = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || bare.parse::<IpAddr>().is_ok() || names.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_localhost_and_what_is_named_are_ours() {
        let names = ["graylane.example".to_owned()];
        for host in ["127.0.0.1:8460", "10.0.0.1", "[::1]:8460", "localhost", "LOCALHOST.:1", "Graylane.example:80"] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[evil]", "a.localhost:1"]
        {
            assert!(!is_ours(host, &names), "{host}");
        }
    }
}
