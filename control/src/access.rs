//! Who may ask what: callers, their roles, and the routes that say which of them they need.
//!
//! A connection says where it comes from and which names its client certificate has ([`Peer`]); a request may have a token
//! besides. [`Door`] finds the caller that belongs to these, and lets a request through to a route only where the [`Need`]
//! of that route, without which it cannot be put into [`Routes`], is among what the caller's [`Role`] may do. Handlers find
//! the [`Caller`] among the extensions of the request.

pub mod callers;
pub mod certificate;
mod document;
mod door;
mod peer;
mod rates;
mod refusal;
mod role;
mod routes;
mod timely;
pub mod tls;
mod token;

pub use callers::Callers;
pub use door::{Door, Guard};
pub use peer::Peer;
pub use rates::Rates;
pub use refusal::Refusal;
pub use role::{Caller, Need, Role};
pub use routes::{Route, Routes};
pub use token::{Digest, Token};
