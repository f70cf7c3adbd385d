//! HTTP to one member: requests are JSON, and so are answers.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::RootCertStore;

use super::{
    address::TlsFiles,
    failure::Failure,
    tls::{configured, is_untrusted, verifying},
};

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
            let said = causes(&why);
            match why.is_connect() {
                _ if is_untrusted(&why) => Failure::Untrusted(format!("{endpoint}: {said}")),
                true => unsent(format!("found no connection ({said}), expected a member of etcd that listens there")),
                false => Failure::Unknown(format!("{endpoint}: found no answer ({said}), expected that of etcd")),
            }
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

/// What caused an error: it itself only says "client error (Connect)".
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    // Without the number that the system gives it.
    let text = |cause: &dyn std::error::Error| cause.to_string().split(" (os error ").next().map(str::to_owned);
    let said: Vec<_> = causes.filter_map(text).collect();
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}
