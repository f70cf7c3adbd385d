//! The filter's image, in each of the three layouts that Istio's agent takes a module from. One manifest each, no index: so its
//! digest is the one that WasmPlugin's `sha256` is compared with, on every platform.

use anyhow::Result;

use crate::{
    archive::Archive,
    layout::{Blobs, DOCKER, Dialect, Image, OCI, OneLayer, image},
    licences::Notices,
    manifest::{Manifest, Notes, Platform, Run, media, notes},
};

const NAME: &str = "graylane/filter";
/// A module runs anywhere. What mounts an image as a volume, or loads it, asks for a platform all the same, and every one of
/// them takes this when it is the only one.
const PLATFORM: Platform = Platform { architecture: "amd64", os: "linux" };

/// All three.
pub(crate) fn images(wasm: &[u8], notices: &Notices) -> Result<Vec<Image>> {
    Ok(vec![
        one_layer("graylane-filter-docker.tar", DOCKER, wasm, notices)?,
        one_layer("graylane-filter-oci.tar", OCI, wasm, notices)?,
        artifact("graylane-filter-artifact.tar", wasm)?,
    ])
}

/// An image that holds `plugin.wasm`, which is the name that is looked for.
fn one_layer(file: &str, dialect: Dialect, wasm: &[u8], notices: &Notices) -> Result<Image> {
    let mut blobs = Blobs::default();
    let files = notices.put_into(Archive::default()).with("plugin.wasm", 0o644, wasm);
    let run = Run { labels: notes("graylane.wasm"), ..Run::default() };
    let packed = OneLayer::pack(&mut blobs, dialect, "graylane.wasm", PLATFORM, run, &files)?;
    let for_docker = packed.for_docker(&format!("{NAME}:{}", crate::VERSION))?;
    image(file, NAME, blobs, packed.manifest, Some(for_docker))
}

/// Two layers: the module as it is, and what the specification calls its configuration, which is empty. With one layer alone
/// the agent refuses it.
fn artifact(file: &str, wasm: &[u8]) -> Result<Image> {
    let mut blobs = Blobs::default();
    let config = blobs.add(media::WASM_CONFIG, b"{}".to_vec());
    let mut module = blobs.add(media::WASM, wasm.to_vec());
    // The name under which oras puts it down.
    module.annotations = Notes::from([("org.opencontainers.image.title", "graylane.wasm".to_owned())]);
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST,
        config: config.clone(),
        layers: vec![config, module],
        annotations: notes("graylane.wasm"),
    };
    let manifest = blobs.add_json(media::MANIFEST, &manifest)?;
    image(file, NAME, blobs, manifest, None)
}
