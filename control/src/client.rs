//! The command line as a client of a control plane: where it is, who asks, whom to believe.

mod files;
mod tls;
mod token;

use std::{path::PathBuf, time::Duration};

use axum::http::HeaderValue;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Incoming},
    header,
    http::request,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{failure::Failure, found, place, url::Url};

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 << 20;

/// What an error begins with where nobody listens.
const NO_CONNECTION: &str = "found no connection";

/// Why a control plane did not answer; where nobody listens, with what would be right.
pub fn unanswered(place: &str, why: &str) -> Failure {
    let is_nobody = why.starts_with(NO_CONNECTION);
    let hint = if is_nobody { ": graylane serve, or another control plane by --control" } else { "" };
    Failure::unable(format!("{place}: {why}{hint}"))
}

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct ControlPlane {
    /// The control plane: `https://HOST:PORT`, or `http://` on this host. Not given: what the environment has as GRAYLANE_STORE, if that
    /// is one, or as GRAYLANE_CONTROL, or else http://127.0.0.1:8460.
    #[arg(long, value_name = "URL", value_parser = Url::parse)]
    control: Option<Url>,
    #[command(flatten)]
    credentials: Credentials,
}

// No doc comment, as above.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Credentials {
    /// The file with the token by which the control plane knows who asks. Nobody else may be able to use the file.
    #[arg(long, value_name = "FILE", env = "GRAYLANE_TOKEN_FILE", hide_env_values = true)]
    token_file: Option<PathBuf>,
    /// The authorities that certify the control plane, in PEM; must be there for https://.
    #[arg(long, value_name = "FILE", env = "GRAYLANE_CA")]
    ca: Option<PathBuf>,
    /// The client certificate by which the control plane knows who asks, in PEM.
    #[arg(long, value_name = "FILE", requires = "key", env = "GRAYLANE_CERT")]
    cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert", env = "GRAYLANE_KEY")]
    key: Option<PathBuf>,
    /// The name that the control plane's certificate must have, where it is not the host of the URL: behind a port that is
    /// forwarded, for instance.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

impl ControlPlane {
    /// What asks it.
    ///
    /// # Errors
    /// Files that cannot be used, and a token that would go over the network for everybody to read.
    pub fn client(&self) -> Result<Client, Failure> {
        let url = match &self.control {
            Some(url) => url.clone(),
            None => place::control()?,
        };
        self.credentials.client(&url)
    }
}

impl Credentials {
    /// What asks the control plane at `url`.
    ///
    /// # Errors
    /// Files that cannot be used, and a token that would go over the network for everybody to read.
    pub fn client(&self, url: &Url) -> Result<Client, Failure> {
        let connector = if url.secure { Some(self.connector(url)?) } else { None };
        if !url.secure && self.token_file.is_some() && !is_loopback(url) {
            let found = format!("found a token for http://{}, which is not this host", url.authority);
            return Err(Failure::unable(format!("{found}, expected https://: anybody on the way could read it")));
        }
        let authorization =
            self.token_file.as_deref().map(token::authorization).transpose().map_err(Failure::unable)?;
        Ok(Client { url: url.clone(), connector, authorization })
    }

    fn connector(&self, url: &Url) -> Result<(TlsConnector, ServerName<'static>), Failure> {
        let Some(ca) = &self.ca else {
            let found = format!("found https://{} without --ca", url.authority);
            let expected = "expected the file of its authorities, such as /etc/ssl/certs/ca-certificates.crt";
            return Err(Failure::unable(format!("{found}, {expected}")));
        };
        let own = self.cert.as_deref().zip(self.key.as_deref());
        let connector = tls::connector(ca, own).map_err(Failure::unable)?;
        let name = self.server_name.clone().unwrap_or_else(|| host(url).trim_matches(['[', ']']).to_owned());
        let name = ServerName::try_from(name);
        let name = name.map_err(|_| Failure::unable("found no name of a server, expected a DNS name or an address"))?;
        Ok((connector, name))
    }
}

/// The host of a URL, without its port.
fn host(url: &Url) -> &str {
    match url.authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => &url.authority,
    }
}

/// Whether a request never leaves this host.
fn is_loopback(url: &Url) -> bool {
    let host = host(url).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Asks one control plane.
#[derive(Clone)]
pub struct Client {
    url: Url,
    connector: Option<(TlsConnector, ServerName<'static>)>,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// Where `path` is there: `https://HOST:PORT/…`, for messages.
    pub fn place(&self, path: &str) -> String {
        let scheme = if self.connector.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.url.authority, self.target(path))
    }

    /// `path` below the URL's own.
    fn target(&self, path: &str) -> String {
        format!("{}{path}", self.url.target.trim_end_matches('/'))
    }

    /// Asks for `path`, with `body` as JSON where there is one: status and body of the answer.
    ///
    /// # Errors
    /// Why there was no whole answer within `limit`.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        limit: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        self.ask_target(method, &self.target(path), body, limit)
    }

    /// Asks for the URL itself, and tells only the status.
    ///
    /// # Errors
    /// Why there was no answer within `limit`.
    pub fn probe(&self, limit: Duration) -> Result<StatusCode, String> {
        Ok(self.ask_target(Method::GET, &self.url.target, None, limit)?.0)
    }

    /// One that asks `url` without encryption and credentials.
    pub fn plain(url: Url) -> Self {
        Self { url, connector: None, authorization: None }
    }

    /// The same from where others are asked as well. Whoever asks says how long it may take.
    ///
    /// # Errors
    /// Why there was no whole answer.
    pub async fn answer(&self, path: &str) -> Result<(StatusCode, Bytes), String> {
        let (code, body) = self.follow(path).await?;
        Ok((code, whole(body, ANSWER_LIMIT).await?))
    }

    /// Asks for `path`, and tells the answer as it comes: one that has no end.
    ///
    /// # Errors
    /// Why there was not even the beginning of an answer.
    pub async fn follow(&self, path: &str) -> Result<(StatusCode, Incoming), String> {
        let request = self.request(Method::GET, &self.target(path), None)?;
        let (head, body) = self.send(request).await?.into_parts();
        Ok((head.status, body))
    }

    /// Asks for the URL itself, from where others are asked as well: status, and a body of at most `most` bytes.
    ///
    /// # Errors
    /// Why there was no whole answer. Whoever asks says how long it may take.
    pub async fn fetch(&self, most: usize) -> Result<(StatusCode, Bytes), String> {
        let request = self.request(Method::GET, &self.url.target, None)?;
        let (head, body) = self.send(request).await?.into_parts();
        Ok((head.status, whole(body, most).await?))
    }

    fn ask_target(
        &self,
        method: Method,
        target: &str,
        body: Option<&serde_json::Value>,
        limit: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        let request = self.request(method, target, body)?;
        block_on(limit, async {
            let (head, body) = self.send(request).await?.into_parts();
            Ok((head.status, whole(body, ANSWER_LIMIT).await?))
        })
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Request<Full<Bytes>>, String> {
        let mut request = self.head(method, target);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        request.body(Full::new(Bytes::from(body))).map_err(|why| why.to_string())
    }

    /// What all requests have.
    fn head(&self, method: Method, target: &str) -> request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.url.authority)
            .header(header::USER_AGENT, concat!("graylane/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        match &self.authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization),
            None => request,
        }
    }

    async fn send<B: Sent>(&self, request: Request<B>) -> Result<Response<Incoming>, String> {
        let authority = &self.url.authority;
        let port = match (host(&self.url) == authority, self.url.secure) {
            (false, _) => "",
            (true, true) => ":443",
            (true, false) => ":80",
        };
        let connection = TcpStream::connect(format!("{authority}{port}")).await;
        let connection = connection
            .map_err(|why| format!("{NO_CONNECTION} ({}), expected somebody who listens there", found::said(&why)))?;
        match &self.connector {
            None => exchange(connection, request, false).await,
            Some((connector, name)) => {
                let encrypted = connector.connect(name.clone(), connection).await;
                exchange(encrypted.map_err(|why| tls::no_handshake(&why))?, request, true).await
            }
        }
    }
}

/// What a problem says that was answered instead of what was asked for.
pub fn refused(code: StatusCode, body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = problem.get("detail").and_then(serde_json::Value::as_str).unwrap_or("no reason given");
    format!("found the status {code} ({detail}), expected 200")
}

/// All of a body, of at most `most` bytes.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, String> {
    let body = Limited::new(body, most).collect().await.map_err(|why| why.to_string())?;
    Ok(body.to_bytes())
}

/// A body that can be sent.
trait Sent: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static {}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static> Sent for B {}

async fn exchange<S, B: Sent>(stream: S, request: Request<B>, is_encrypted: bool) -> Result<Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|why| why.to_string())?;
    // It ends with the answer's body; what goes wrong with it is told by the answer.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(|why| tls::no_answer(&why, is_encrypted))
}

fn block_on<T>(limit: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| format!("no runtime to ask with: {why}"))?;
    let outcome = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    // A look-up of a name may still be under way, on a thread that cannot be stopped.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| Err(format!("found no answer within {limit:?}, expected one")))
}
