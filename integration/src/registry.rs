//! A container registry of images that lie in files: what is needed of the distribution API to pull them. It has no TLS and asks
//! nobody who he is.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::Read,
    net::SocketAddr,
    path::{Component, Path},
    process::Command,
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use crate::background::runtime;

/// An image: blobs by digest, one of which is its manifest or its index.
#[derive(Clone, Debug)]
pub struct Image {
    blobs: BTreeMap<String, Vec<u8>>,
    top: String,
}

impl Image {
    /// Reads the one image of an OCI layout that lies in the archive `file`.
    ///
    /// # Panics
    /// Where it is none, or a blob is not what its name says.
    pub fn read(file: &Path) -> Self {
        let archive = std::fs::File::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let mut archive = tar::Archive::new(archive);
        let mut files = BTreeMap::new();
        for entry in archive.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("a whole entry");
            files.insert(path, bytes);
        }
        let index: Value = serde_json::from_slice(&files[Path::new("index.json")]).expect("index.json");
        let manifests = index["manifests"].as_array().expect("manifests");
        assert_eq!(manifests.len(), 1, "{}: found {manifests:?}, expected one image", file.display());
        let top = manifests[0]["digest"].as_str().expect("a digest").to_owned();
        let blobs = files.into_iter().filter_map(|(path, bytes)| {
            let mut parts = path.strip_prefix("blobs/sha256").ok()?.components();
            let Component::Normal(digits) = parts.next()? else { return None };
            let named = format!("sha256:{}", digits.to_string_lossy());
            assert_eq!(named, digest(&bytes), "{}: a blob is not what its name says", file.display());
            Some((named, bytes))
        });
        Self { blobs: blobs.collect(), top }
    }

    /// The digest of its manifest or index.
    pub fn digest(&self) -> &str {
        &self.top
    }

    /// Its manifest or index.
    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&self.blobs[&self.top]).expect("a manifest")
    }

    /// Puts `bytes` beside its blobs, and gives their digest and their size, which a manifest has to name.
    pub fn add(&mut self, bytes: Vec<u8>) -> (String, usize) {
        let (named, size) = (digest(&bytes), bytes.len());
        self.blobs.insert(named.clone(), bytes);
        (named, size)
    }

    /// Has another manifest.
    pub fn set_manifest(&mut self, manifest: &Value) {
        self.top = self.add(manifest.to_string().into_bytes()).0;
    }

    /// Has other bytes under the name of blob `digest`, as a registry that lies.
    pub fn forge(&mut self, digest: &str, bytes: Vec<u8>) {
        self.blobs.insert(digest.to_owned(), bytes);
    }
}

/// A registry in this process. Dropping it ends it.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Registry {
    /// Serves `images` by their references, such as `graylane/filter:1`, on a free port of loopback.
    ///
    /// # Panics
    /// Where no port is free.
    pub fn start(images: BTreeMap<String, Image>) -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        Self { address, serving: runtime().spawn(accept(listener, Arc::new(images))) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The name of `bytes` in a registry. By another program than the one that packed them.
///
/// # Panics
/// Where there is no `sha256sum`.
pub fn digest(bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file, bytes).expect("a written file");
    let said = Command::new("sha256sum").arg(file.path()).output().expect("sha256sum").stdout;
    format!("sha256:{}", String::from_utf8(said).expect("digits").split(' ').next().expect("digits"))
}

async fn accept(listener: TcpListener, images: Arc<BTreeMap<String, Image>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let images = images.clone();
        connections.spawn(async move {
            let service = service_fn(move |request: Request<_>| {
                let answer = answer(&images, request.uri().path());
                async { Ok::<_, Infallible>(answer) }
            });
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(images: &BTreeMap<String, Image>, path: &str) -> Response<Full<Bytes>> {
    let builder = Response::builder().header("docker-distribution-api-version", "registry/2.0");
    if path == "/v2/" {
        return builder.body(Full::default()).expect("a valid response");
    }
    match find(images, path) {
        Some((media_type, named, bytes)) => {
            let builder = builder.header("content-type", media_type).header("docker-content-digest", named);
            builder.body(Full::from(bytes)).expect("a valid response")
        }
        None => builder.status(404).body(Full::default()).expect("a valid response"),
    }
}

/// What lies at `path`: its media type, its digest, its bytes.
fn find(images: &BTreeMap<String, Image>, path: &str) -> Option<(String, String, Vec<u8>)> {
    let (rest, reference) = path.strip_prefix("/v2/")?.rsplit_once('/')?;
    let (repository, kind) = rest.rsplit_once('/')?;
    let of_repository = |name: &str| name.rsplit_once(':').is_some_and(|(found, _)| found == repository);
    let by_digest = images.iter().filter(|(name, _)| of_repository(name)).find_map(|(_, image)| {
        let bytes = image.blobs.get(reference)?;
        Some((reference.to_owned(), bytes))
    });
    let by_tag = || {
        let image = images.get(&format!("{repository}:{reference}"))?;
        Some((image.top.clone(), &image.blobs[&image.top]))
    };
    let (named, bytes) = by_digest.or_else(|| (kind == "manifests").then(by_tag).flatten())?;
    let media_type = match kind {
        "manifests" => serde_json::from_slice::<Value>(bytes).ok()?["mediaType"].as_str()?.to_owned(),
        "blobs" => "application/octet-stream".to_owned(),
        _ => return None,
    };
    Some((media_type, named, bytes.clone()))
}
