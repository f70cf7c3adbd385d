//! A filter that does nothing, as `cargo new` and the first page of the SDK's documentation give it.
//!
//! Every callback is the SDK's default, so all of them are exported and called for every stream:
//! what is measured is the price of the SDK's dispatch before the first line of one's own.
#![allow(missing_docs, reason = "the SDK's macro exports an undocumented function")]

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }
}

struct Stream;

impl Context for Stream {}
impl HttpContext for Stream {}
