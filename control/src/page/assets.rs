//! The stylesheet, the script and the icon, which are part of the binary.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::layout::guarded;
use crate::{
    access::{Need, Routes},
    namespace::Namespace,
};

/// Their paths. They say nothing of the namespace, and are shown to anybody.
pub fn routes() -> Routes<Arc<Namespace>> {
    Routes::new()
        .get("/page/style.css", Need::Nobody, async || {
            file("text/css; charset=utf-8", include_str!("assets/style.css"))
        })
        .get("/page/live.js", Need::Nobody, async || {
            file("text/javascript; charset=utf-8", include_str!("assets/live.js"))
        })
        .get("/page/icon.svg", Need::Nobody, async || file("image/svg+xml", include_str!("assets/icon.svg")))
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    guarded(([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response())
}
