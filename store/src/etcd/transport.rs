//! HTTP to one member: requests are JSON, and so are answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{address::TlsFiles, failure::Failure};

/// How long it may take until somebody takes a connection: all are near.
const CONNECT: Duration = Duration::from_millis(500);
/// So long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// The most bytes of an answer: everything is read in pages that are far smaller.
const ANSWER: usize = 128 << 20;

/// Speaks HTTP, in the clear or with TLS.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    scheme: &'static str,
}

impl Transport {
    /// # Errors
    /// What is wrong with the files.
    pub(super) fn new(tls: Option<&TlsFiles>) -> Result<Self, String> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        http.set_keepalive(Some(IDLE));
        http.enforce_http(false);
        let config = tls.map_or_else(|| verifying(RootCertStore::empty(), None), configured)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        let client = client.build(connector.wrap_connector(http));
        Ok(Self { client, scheme: if tls.is_some() { "https" } else { "http" } })
    }

    /// Posts `body` to `path` of `endpoint`, and gives the whole answer.
    pub(super) async fn post(
        &self,
        endpoint: &str,
        path: &str,
        body: Bytes,
        token: Option<&str>,
    ) -> Result<Bytes, Failure> {
        read(self.open(endpoint, path, body, token).await?).await
    }

    /// The same where the answer is a stream: gives its body.
    pub(super) async fn open(
        &self,
        endpoint: &str,
        path: &str,
        body: Bytes,
        token: Option<&str>,
    ) -> Result<Incoming, Failure> {
        let unsent = |why: String| Failure::Unsent(format!("{endpoint}: {why}"));
        let uri =
            Uri::try_from(format!("{}://{endpoint}{path}", self.scheme)).map_err(|why| unsent(why.to_string()))?;
        let mut request = Request::post(uri).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        // A member that has lost its leader ends its streams then, instead of being silent.
        request = request.header("grpc-metadata-hasleader", "true");
        let request = request.body(Full::new(body)).map_err(|why| unsent(why.to_string()))?;
        let answer = self.client.request(request).await.map_err(|why| {
            let said = format!("{endpoint}: {}", causes(&why));
            if why.is_connect() { Failure::Unsent(said) } else { Failure::Unknown(said) }
        })?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(Failure::of(status, &read(answer.into_body()).await?)),
        }
    }
}

async fn read(body: Incoming) -> Result<Bytes, Failure> {
    let whole = Limited::new(body, ANSWER).collect().await;
    whole
        .map(|whole| whole.to_bytes())
        .map_err(|why| Failure::Unknown(format!("found an answer that broke off: {why}")))
}

/// An error and what caused it: the first alone says "client error (Connect)".
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        next = cause.source();
    }
    said
}

fn configured(files: &TlsFiles) -> Result<ClientConfig, String> {
    let wrong = |path: &std::path::Path, why: &dyn std::fmt::Display, expected: &str| {
        format!("{}: found {why}, expected {expected} in PEM", path.display())
    };
    let certificates = |path: &std::path::Path| -> Result<Vec<_>, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        match found {
            Ok(found) if found.is_empty() => Err(wrong(path, &"no certificate", "one")),
            found => found.map_err(|why| wrong(path, &why, "certificates")),
        }
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots.add(certificate).map_err(|why| wrong(&files.ca, &why, "the certificate of an authority"))?;
    }
    let own = files.own.as_ref().map(|(cert, key)| {
        let key = PrivateKeyDer::from_pem_file(key).map_err(|why| wrong(key, &why, "a private key"))?;
        Ok::<_, String>((certificates(cert)?, key))
    });
    verifying(roots, own.transpose()?)
}

fn verifying(
    roots: RootCertStore,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|why| format!("TLS: {why}"))?.with_root_certificates(roots);
    match own {
        None => Ok(config.with_no_client_auth()),
        Some((chain, key)) => {
            config.with_client_auth_cert(chain, key).map_err(|why| format!("found cert and key that do not fit: {why}"))
        }
    }
}
