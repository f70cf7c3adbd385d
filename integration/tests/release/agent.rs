//! Takes a module from a registry as Istio's agent does, step by step after its source (`pkg/wasm/imagefetcher.go` in istio/istio,
//! the same in 1.24 to 1.32): what that refuses is refused here, in its words.

use std::{io::Read, net::SocketAddr, path::Path};

use flate2::read::GzDecoder;
use graylane_integration::{Answer, Request, Wire, registry::digest};
use serde_json::Value;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const WASM_LAYER: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
/// `MAX_WASM_BINARY_SIZE_BYTES`.
const LONGEST: u64 = 256 << 20;

/// A module, and the digest that WasmPlugin's `sha256` is compared with.
#[derive(Debug)]
pub struct Fetched {
    pub wasm: Vec<u8>,
    pub digest: String,
}

/// Takes the module of `repository`'s image `tag`.
pub fn fetch(registry: SocketAddr, repository: &str, tag: &str) -> Result<Fetched, String> {
    let remote = Remote { registry, repository };
    let (digest, manifest) = remote.image(tag).map_err(|why| format!("could not fetch manifest: {why}"))?;
    let image = Image { remote, layers: manifest["layers"].as_array().cloned().unwrap_or_default() };
    if manifest["mediaType"] == DOCKER_MANIFEST {
        let wasm = image
            .plugin_of(DOCKER_LAYER)
            .map_err(|why| format!("could not extract Wasm file from the image as Docker container {why}"))?;
        return Ok(Fetched { wasm, digest });
    }
    let compat = match image.plugin_of(OCI_LAYER) {
        Ok(wasm) => return Ok(Fetched { wasm, digest }),
        Err(why) => why,
    };
    match image.artifact() {
        Ok(wasm) => Ok(Fetched { wasm, digest }),
        Err(oci) => Err(format!(
            "the given image is in invalid format as an OCI image: could not parse as compat variant: {compat}; could not \
             parse as oci variant: {oci}"
        )),
    }
}

struct Remote<'a> {
    registry: SocketAddr,
    repository: &'a str,
}

impl Remote<'_> {
    /// The digest and the manifest of an image; of an index that of linux/amd64, on whatever the agent runs.
    fn image(&self, tag: &str) -> Result<(String, Value), String> {
        let found = self.get("manifests", tag)?;
        let manifest: Value = serde_json::from_slice(&found.body).map_err(|why| why.to_string())?;
        if found.header("content-type") != Some(OCI_INDEX) {
            return Ok((digest(&found.body), manifest));
        }
        let children = manifest["manifests"].as_array().cloned().unwrap_or_default();
        let fits = |child: &&Value| child["platform"]["os"] == "linux" && child["platform"]["architecture"] == "amd64";
        let child = children.iter().find(fits).ok_or("no child with platform linux/amd64 in index")?;
        self.image(child["digest"].as_str().unwrap_or_default())
    }

    /// What a descriptor names, compared with it.
    fn blob(&self, descriptor: &Value) -> Result<Vec<u8>, String> {
        let named = descriptor["digest"].as_str().unwrap_or_default();
        let body = self.get("blobs", named)?.body;
        let found = digest(&body);
        if found != named {
            return Err(format!("error verifying sha256 checksum; got {found}, want {named}"));
        }
        Ok(body)
    }

    fn get(&self, kind: &str, reference: &str) -> Result<Answer, String> {
        let request =
            Request::get(&format!("/v2/{}/{kind}/{reference}", self.repository)).host(self.registry.to_string());
        let answer =
            Wire::open(self.registry).and_then(|mut wire| wire.exchange(&request)).map_err(|why| why.to_string())?;
        if answer.status == 200 { Ok(answer) } else { Err(format!("unexpected status code {}", answer.status)) }
    }
}

struct Image<'a> {
    remote: Remote<'a>,
    layers: Vec<Value>,
}

impl Image<'_> {
    /// `plugin.wasm` of the last layer, which must be of `media_type`.
    fn plugin_of(&self, media_type: &str) -> Result<Vec<u8>, String> {
        let layer = self.layers.last().ok_or("number of layers must be greater than zero")?;
        if layer["mediaType"] != media_type {
            return Err(format!("invalid media type {} (expect {media_type})", layer["mediaType"]));
        }
        let packed = self.remote.blob(layer)?;
        plugin(&packed).map_err(|why| format!("could not extract wasm binary: {why}"))
    }

    /// The module of two layers, as it lies there.
    fn artifact(&self) -> Result<Vec<u8>, String> {
        if self.layers.len() != 2 {
            return Err(format!("number of layers must be 2 but got {}", self.layers.len()));
        }
        let module = self.layers.iter().find(|layer| layer["mediaType"] == WASM_LAYER);
        self.remote.blob(module.ok_or(format!("could not find the layer of type {WASM_LAYER}"))?)
    }
}

/// The first file of a compressed archive whose last part is `plugin.wasm`.
fn plugin(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed).take(LONGEST));
    for entry in archive.entries().map_err(|why| why.to_string())? {
        let mut entry = entry.map_err(|why| format!("failed to parse layer as tar.gz: {why}"))?;
        let path = entry.path().map_err(|why| why.to_string())?.into_owned();
        if path.file_name() == Path::new("plugin.wasm").file_name() {
            let mut wasm = Vec::new();
            entry.read_to_end(&mut wasm).map_err(|why| format!("failed to read plugin.wasm: {why}"))?;
            return Ok(wasm);
        }
    }
    Err("plugin.wasm not found in the archive".to_owned())
}
