//! What registries keep: descriptors, manifests, indices, configurations of images. Fields in the order in which they are
//! written; types of our own because those of the known crates keep annotations and labels in maps without an order, and then
//! the same image has another digest each time.

use std::collections::BTreeMap;

use serde::Serialize;

/// Media types. The first five are OCI's, then Docker's, then those of the Wasm image specification.
pub(crate) mod media {
    pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    pub(crate) const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    pub(crate) const WASM_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";
    pub(crate) const WASM: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
}

/// Annotations and labels.
pub(crate) type Notes = BTreeMap<&'static str, String>;

/// Names a blob.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: &'static str,
    pub(crate) digest: String,
    pub(crate) size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    pub(crate) annotations: Notes,
}

/// What an image runs on.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Platform {
    pub(crate) architecture: &'static str,
    pub(crate) os: &'static str,
}

/// An image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u8,
    pub(crate) media_type: &'static str,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    pub(crate) annotations: Notes,
}

/// Images that are one, a platform each; or what a layout holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u8,
    pub(crate) media_type: &'static str,
    pub(crate) manifests: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    pub(crate) annotations: Notes,
}

/// How an image is run.
#[derive(Debug, Serialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) platform: Platform,
    pub(crate) config: Run,
    pub(crate) rootfs: RootFs,
}

/// What is run, and as whom.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Run {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    pub(crate) labels: Notes,
}

/// The layers before they were compressed.
#[derive(Debug, Serialize)]
pub(crate) struct RootFs {
    pub(crate) r#type: &'static str,
    pub(crate) diff_ids: Vec<String>,
}

/// What everything released says about itself.
pub(crate) fn notes(title: &str) -> Notes {
    BTreeMap::from([
        ("org.opencontainers.image.licenses", "Apache-2.0".to_owned()),
        ("org.opencontainers.image.title", title.to_owned()),
        ("org.opencontainers.image.version", crate::VERSION.to_owned()),
    ])
}
