//! Clients over HTTP/1.1 and HTTP/2, in plain text and by TLS with any identity, or with none.

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use graylane_integration::certificates::Identity;

/// How a connection is made.
#[derive(Clone)]
pub struct Route {
    pub address: SocketAddr,
    pub tls: Option<Tls>,
    pub http2: bool,
}

/// Who connects by TLS, and to whom.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Tls {
    /// As `identity`, or as nobody, to `host`, whose certificate is of the authority `pem`.
    pub fn new(pem: &str, identity: Option<&Identity>, host: &'static str, http2: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions of TLS").with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(chain, key).expect("an identity")
            }
        };
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Self { config: Arc::new(config), host: host.try_into().expect("a host") }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection.
pub enum Connection {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Where nobody listens, or the other side does not want to speak.
    pub async fn open(route: &Route) -> io::Result<Self> {
        let socket = TcpStream::connect(route.address).await?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &route.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(TlsConnector::from(tls.config.clone()).connect(tls.host.clone(), socket).await?),
        };
        let stream = TokioIo::new(stream);
        if route.http2 {
            let shaken = http2::handshake(TokioExecutor::new(), stream).await;
            let (sender, connection) = shaken.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(Self::Two(sender))
        } else {
            let (sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(Self::One(sender))
        }
    }

    /// Sends a GET of `path` for `host`, with these headers besides, and gives status and body of the answer.
    ///
    /// # Errors
    /// Where none comes.
    pub async fn get(&mut self, host: &str, path: &str, headers: &[(String, String)]) -> io::Result<(u16, Bytes)> {
        let request = match self {
            Self::One(_) => Request::get(path).header("host", host),
            Self::Two(_) => Request::get(format!("http://{host}{path}")),
        };
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let answer = match self {
            Self::One(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await
            }
            Self::Two(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await
            }
        };
        let answer = answer.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes()))
    }
}
