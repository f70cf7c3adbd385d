//! The page: how a namespace stands, for people in a browser. It reads, and changes nothing.
//!
//! Every page is whole without a script. The one script replaces parts of the overview as the server sends them; nothing is
//! loaded from elsewhere, and no page has a script or a style in it.
//!
//! A page may be seen by whoever may read the namespace. A browser proves that by a client certificate, or by a token that is given
//! as a password: it sends that with every request to this site, whoever made it ask, so that it counts for pages alone, which
//! change nothing.

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
pub mod settings;
mod shares;
mod words;

use std::sync::Arc;

use crate::{
    access::{Need, Routes},
    namespace::Namespace,
};

/// All the paths of the page. Each answers to GET alone.
pub fn routes() -> Routes<Arc<Namespace>> {
    Routes::new()
        .page("/", Need::Read, overview::tell)
        .page("/history", Need::Read, history::list)
        .page("/history/{revision}", Need::Read, revision::show)
        .page("/rule-sets/{name}", Need::Read, rule_set::show)
        .page("/explain", Need::Read, explain::tell)
        .page("/page/live", Need::Read, live::tell)
        .and(assets::routes())
}

#[cfg(test)]
mod tests;
