//! What Istio makes of EnvoyFilters and WasmPlugins.
//!
//! Patches are applied to the configuration of a proxy as istiod applies them, in its order, with its predicates, its
//! operations and its merge; plugins are translated as istiod and its agent translate them. What a patch did not do is told
//! as well: istiod is silent about it. The sources are those of Istio 1.24 to 1.32; what is not implemented is refused.

pub mod agent;
pub mod api;
pub mod envoy_filter;
pub mod fixture;
mod form;
pub mod lint;
pub mod merge;
pub mod message;
pub mod patch;
pub mod plugin;
pub mod proxy;
pub mod report;
pub mod routing;
pub mod select;
pub mod yaml;

pub use envoy_filter::EnvoyFilter;
pub use patch::{Change, Effect, Resources};
pub use plugin::Plugin;
pub use prost_reflect::{DynamicMessage as Message, MessageDescriptor as Descriptor};
pub use proxy::{Context, Kind, Proxy};
