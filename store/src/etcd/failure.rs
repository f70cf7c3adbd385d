//! Why a call to etcd came to nothing, and what may be done about it.

use http::StatusCode;

use super::wire::Refusal;
use crate::StoreError;

/// gRPC's codes, as far as they make a difference.
const INVALID_ARGUMENT: u32 = 3;
const NOT_FOUND: u32 = 5;
const PERMISSION_DENIED: u32 = 7;
const FAILED_PRECONDITION: u32 = 9;
const UNIMPLEMENTED: u32 = 12;
const UNAUTHENTICATED: u32 = 16;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was sent.
    Unsent(String),
    /// Nobody knows whether it was done.
    Unknown(String),
    /// Nothing was sent, because one of us does not believe the other's certificate.
    Untrusted(String),
    /// It was not done, because the token is none (any more).
    Token(String),
    /// It was not done, and there is no lease or the like of that name.
    Missing(String),
    /// It was not done, and there is no authentication.
    Open,
    /// It was not done and never will be.
    Refused(String),
}

impl Failure {
    /// What an answer with that status and body, which is not 200, means.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<Refusal>(body) {
            Ok(refusal) if refusal.code > 0 => Self::said(refusal),
            _ if status.is_server_error() => Self::Unknown(format!("found the status {status}")),
            _ => Self::Refused(format!(
                "found the status {status}, expected etcd's JSON gateway at /v3 (of 3.4 or later, without --enable-grpc-gateway=false)"
            )),
        }
    }

    pub(super) fn said(refusal: Refusal) -> Self {
        let code = refusal.code;
        let said = refusal.said();
        match code {
            UNAUTHENTICATED => Self::Token(said),
            // The users changed since the token was made; or there are users now, and we came without a token.
            INVALID_ARGUMENT if said.contains("auth store is old") || said.contains("user name is empty") => {
                Self::Token(said)
            }
            NOT_FOUND => Self::Missing(said),
            FAILED_PRECONDITION if said.contains("authentication is not enabled") => Self::Open,
            INVALID_ARGUMENT | PERMISSION_DENIED | FAILED_PRECONDITION | UNIMPLEMENTED => Self::Refused(said),
            _ => Self::Unknown(said),
        }
    }

    /// Whether another endpoint may do better, where it does no harm if the call is done twice.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unsent(_) | Self::Unknown(_) | Self::Untrusted(_))
    }

    /// For whoever asked.
    pub(super) fn at(self, place: &str) -> StoreError {
        let place = place.to_owned();
        match self {
            Self::Unsent(why) | Self::Unknown(why) => StoreError::Unavailable { place, why },
            Self::Untrusted(why) => StoreError::Refused {
                place,
                why: format!(
                    "found {why}; expected ca=FILE that certifies etcd, and cert=FILE and key=FILE that etcd believes"
                ),
            },
            Self::Token(why) | Self::Missing(why) | Self::Refused(why) => {
                StoreError::Refused { place, why: explained(&why) }
            }
            Self::Open => StoreError::Refused { place, why: "found no authentication, expected it".to_owned() },
        }
    }
}

/// What etcd says, and what would be right.
fn explained(why: &str) -> String {
    let expected = match why {
        _ if why.contains("permission denied") => ", expected a role with readwrite on the keys under the prefix",
        _ if why.contains("user name is empty") => {
            ", expected user=NAME and a password in the URL: this cluster has users"
        }
        _ if why.contains("invalid user ID or password") => ", expected the password of the user of the URL",
        _ if why.contains("too large") => ", expected less than etcd's --max-request-bytes (1.5 MiB)",
        _ => "",
    };
    let found = if why.starts_with("found") { "" } else { "found that etcd refuses: " };
    format!("{found}{why}{expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_says_is_understood() {
        let of = |code: u32, said: &str| {
            let body = format!(r#"{{"error":"{said}","message":"{said}","code":{code}}}"#);
            Failure::of(StatusCode::BAD_REQUEST, body.as_bytes())
        };
        assert!(matches!(of(16, "etcdserver: invalid auth token"), Failure::Token(_)));
        assert!(matches!(of(3, "etcdserver: revision of auth store is old"), Failure::Token(_)));
        assert!(matches!(of(5, "etcdserver: requested lease not found"), Failure::Missing(_)));
        assert!(matches!(of(14, "etcdserver: request timed out"), Failure::Unknown(_)));
        assert!(matches!(of(8, "etcdserver: mvcc: database space exceeded"), Failure::Unknown(_)));
        assert_eq!(of(9, "etcdserver: authentication is not enabled"), Failure::Open);
        let said = of(7, "etcdserver: permission denied").at("etcd://a:1").to_string();
        assert_eq!(
            said,
            "etcd://a:1: found that etcd refuses: etcdserver: permission denied, \
             expected a role with readwrite on the keys under the prefix"
        );
        assert!(matches!(Failure::of(StatusCode::NOT_FOUND, b"404 page not found"), Failure::Refused(_)));
        assert!(matches!(Failure::of(StatusCode::BAD_GATEWAY, b""), Failure::Unknown(_)));
    }
}
