//! The page: how a namespace stands, for people in a browser. It reads, and changes nothing.
//!
//! Every page is whole without a script. The one script replaces parts of the overview as the server sends them; nothing is
//! loaded from elsewhere, and no page has a script or a style in it.
//!
//! A page may be seen by whoever may read the namespace. A browser proves that by a client certificate alone: the door takes
//! tokens as `authorization: Bearer` and no browser sends that by itself. For one that is to use a token, the door would have to take it
//! as the password of HTTP Basic authentication too (and answer 401 with `www-authenticate: Basic`), for these routes alone:
//! browsers send what they know of a site with every request, whoever made them ask.

mod assets;
mod bars;
mod explain;
mod history;
mod layout;
mod live;
mod observed;
mod overview;
mod read;
mod reader;
mod revision;
mod rule_set;
mod settings;
mod shares;
mod words;

use std::sync::Arc;

use crate::{
    access::{Need, Routes},
    namespace::Namespace,
};

pub use settings::{Options, Settings};

/// All the paths of the page. Each answers to GET alone.
pub fn routes() -> Routes<Arc<Namespace>> {
    Routes::new()
        .get("/", Need::Read, overview::tell)
        .get("/history", Need::Read, history::list)
        .get("/history/{revision}", Need::Read, revision::show)
        .get("/rule-sets/{name}", Need::Read, rule_set::show)
        .get("/explain", Need::Read, explain::tell)
        .get("/page/live", Need::Read, live::tell)
        .and(assets::routes())
}

#[cfg(test)]
mod tests;
