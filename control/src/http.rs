//! What the commands ask over HTTP: without encryption, with an end.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::url::Url;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 << 20;

/// Reads a URL that can be asked here.
///
/// # Errors
/// What was found and what would be right.
pub fn plain_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)?;
    if url.secure {
        return Err("expected http://: this command does not encrypt".to_owned());
    }
    Ok(url)
}

/// Asks `url`, and tells only the status.
///
/// # Errors
/// Why there was no answer within `limit`.
pub fn status(url: &Url, limit: Duration) -> Result<StatusCode, String> {
    block_on(limit, async { Ok(ask(url, Method::GET, None).await?.status()) })
}

/// Asks `url`: status and body.
///
/// # Errors
/// Why there was no whole answer within `limit`.
pub fn get(url: &Url, limit: Duration) -> Result<(StatusCode, Bytes), String> {
    whole(url, Method::GET, None, limit)
}

/// Sends JSON to `url`: status and body of the answer.
///
/// # Errors
/// Why there was no whole answer within `limit`.
pub fn post(url: &Url, body: Vec<u8>, limit: Duration) -> Result<(StatusCode, Bytes), String> {
    whole(url, Method::POST, Some(body), limit)
}

fn whole(url: &Url, method: Method, body: Option<Vec<u8>>, limit: Duration) -> Result<(StatusCode, Bytes), String> {
    block_on(limit, async {
        let (head, body) = ask(url, method, body).await?.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(|why| why.to_string())?;
        Ok((head.status, body.to_bytes()))
    })
}

fn block_on<T>(limit: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| format!("no runtime to ask with: {why}"))?;
    let outcome = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    // A look-up of a name may still be under way, on a thread that cannot be stopped.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| Err(format!("found no answer within {limit:?}, expected one")))
}

async fn ask(url: &Url, method: Method, body: Option<Vec<u8>>) -> Result<Response<Incoming>, String> {
    let Url { authority, target, .. } = url;
    let port = if authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']')) { "" } else { ":80" };
    let connection = TcpStream::connect(format!("{authority}{port}")).await.map_err(|why| why.to_string())?;
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = shaken.map_err(|why| why.to_string())?;
    // It ends with the answer's body; what goes wrong with it is told by the answer.
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("graylane/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())));
    let request = request.map_err(|why| why.to_string())?;
    sender.send_request(request).await.map_err(|why| format!("found no HTTP answer ({why}), expected one"))
}
