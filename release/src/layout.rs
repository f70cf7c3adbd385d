//! An image layout: blobs by digest, and an index that names one image. One file holds it, which `docker load`, old and new,
//! skopeo, oras and, once unpacked, crane read.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::{
    archive::{self, Archive},
    digest,
    manifest::{Config, Descriptor, Index, Manifest, Notes, Platform, RootFs, Run, media, notes},
};

/// Blobs by their digits.
#[derive(Debug, Default)]
pub(crate) struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Keeps `bytes`, and says by what name.
    pub(crate) fn add(&mut self, media_type: &'static str, bytes: Vec<u8>) -> Descriptor {
        let (digest, size) = (digest::named(&bytes), bytes.len());
        self.0.insert(digest::hex(&bytes), bytes);
        Descriptor { media_type, digest, size, platform: None, annotations: Notes::new() }
    }

    /// Keeps `value` as JSON.
    pub(crate) fn add_json(&mut self, media_type: &'static str, value: &impl Serialize) -> Result<Descriptor> {
        Ok(self.add(media_type, serde_json::to_vec(value)?))
    }
}

/// The media types of an image of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    manifest: &'static str,
    config: &'static str,
    layer: &'static str,
}

/// As OCI writes it.
pub(crate) const OCI: Dialect = Dialect { manifest: media::MANIFEST, config: media::CONFIG, layer: media::LAYER };
/// As Docker writes it.
pub(crate) const DOCKER: Dialect =
    Dialect { manifest: media::DOCKER_MANIFEST, config: media::DOCKER_CONFIG, layer: media::DOCKER_LAYER };

/// An image whose one layer is `files`.
#[derive(Debug)]
pub(crate) struct OneLayer {
    /// Its manifest.
    pub(crate) manifest: Descriptor,
    /// Its configuration.
    config: Descriptor,
    /// Its layer.
    layer: Descriptor,
}

impl OneLayer {
    /// Packs it.
    pub(crate) fn pack(
        blobs: &mut Blobs,
        dialect: Dialect,
        title: &str,
        platform: Platform,
        run: Run,
        files: &Archive,
    ) -> Result<Self> {
        let tar = files.tar()?;
        let rootfs = RootFs { r#type: "layers", diff_ids: vec![digest::named(&tar)] };
        let layer = blobs.add(dialect.layer, archive::gzip(&tar)?);
        let config = blobs.add_json(dialect.config, &Config { platform, config: run, rootfs })?;
        // Docker's manifests know no annotations; there the labels in the configuration tell the same.
        let annotations = if dialect.manifest == media::MANIFEST { notes(title) } else { Notes::new() };
        let manifest = Manifest {
            schema_version: 2,
            media_type: dialect.manifest,
            config: config.clone(),
            layers: vec![layer.clone()],
            annotations,
        };
        let manifest = Descriptor { platform: Some(platform), ..blobs.add_json(dialect.manifest, &manifest)? };
        Ok(Self { manifest, config, layer })
    }

    /// What `docker load` before 25 reads instead of the index.
    pub(crate) fn for_docker(&self, tag: &str) -> Result<Vec<u8>> {
        let place = |descriptor: &Descriptor| format!("blobs/{}", descriptor.digest.replace(':', "/"));
        Ok(serde_json::to_vec(
            &json!([{"Config": place(&self.config), "Layers": [place(&self.layer)], "RepoTags": [tag]}]),
        )?)
    }
}

/// An image as it is released.
#[derive(Debug)]
pub(crate) struct Image {
    /// The name of its file.
    pub(crate) file: String,
    /// What a registry calls it, and what WasmPlugin's `sha256` wants.
    pub(crate) digest: String,
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// The file.
    pub(crate) tar: Vec<u8>,
}

/// One file of `blobs`, of which `top` is the image, known as `name`; `for_docker` is what older Dockers read.
pub(crate) fn image(
    file: &str,
    name: &str,
    blobs: Blobs,
    mut top: Descriptor,
    for_docker: Option<Vec<u8>>,
) -> Result<Image> {
    let (digest, media_type) = (top.digest.clone(), top.media_type);
    top.annotations = Notes::from([
        ("io.containerd.image.name", format!("docker.io/{name}:{}", crate::VERSION)),
        ("org.opencontainers.image.ref.name", crate::VERSION.to_owned()),
    ]);
    let index = Index { schema_version: 2, media_type: media::INDEX, manifests: vec![top], annotations: Notes::new() };
    let mut files = Archive::default().with("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#).with(
        "index.json",
        0o644,
        &serde_json::to_vec(&index)?,
    );
    if let Some(manifest) = for_docker {
        files = files.with("manifest.json", 0o644, &manifest);
    }
    for (digits, bytes) in &blobs.0 {
        files = files.with(&format!("blobs/sha256/{digits}"), 0o644, bytes);
    }
    Ok(Image { file: file.to_owned(), digest, media_type, tar: files.tar()? })
}
