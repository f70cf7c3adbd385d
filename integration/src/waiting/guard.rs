//! Who may ask, and how: TLS, and a certificate for everybody who comes.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::TLS13,
};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    background::runtime,
    certificates::{Authority, Identity},
};

/// The name of the control plane.
const HOST: &str = "localhost";

/// Who fetches, and who publishes.
const EDGE: &str = "spiffe://cluster.local/ns/edge/sa/gateway";
const OPERATOR: &str = "spiffe://cluster.local/ns/graylane/sa/operator";

/// The certificates of all of them, and the files that a control plane goes by.
pub(super) struct Guard {
    directory: TempDir,
    edge: TlsConnector,
    operator: TlsConnector,
}

impl Guard {
    pub(super) fn new() -> Self {
        let (directory, authority) = (tempfile::tempdir().expect("a directory"), Authority::new());
        let at = |name: &str| directory.path().join(name);
        authority.identity("spiffe://cluster.local/ns/graylane/sa/control", HOST).write(directory.path(), "server");
        fs::write(at("ca.pem"), authority.pem()).expect("a file");
        let callers = format!(
            "apiVersion: graylane.dev/v1\nkind: Callers\nspec:\n  callers:\n    - {{name: edge, role: fetcher, certificate: \
             \"{EDGE}\"}}\n    - {{name: operator, role: operator, certificate: \"{OPERATOR}\"}}\n"
        );
        fs::write(at("callers.yaml"), callers).expect("a file");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(at("server-key.pem"), private).expect("a mode");
        let connector = |uri: &str| connector(&authority, &authority.identity(uri, "workload"));
        Self { edge: connector(EDGE), operator: connector(OPERATOR), directory }
    }

    /// What `graylane serve` is told besides. Everybody comes from one address, and more often than one caller may.
    pub(super) fn options(&self) -> Vec<String> {
        let files = [
            ("tls-cert", "server.pem"),
            ("tls-key", "server-key.pem"),
            ("client-ca", "ca.pem"),
            ("callers", "callers.yaml"),
        ];
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let options = files.map(|(option, file)| format!("--{option}={}", path(file)));
        options.into_iter().chain(["--max-rate=0".to_owned()]).collect()
    }

    /// What a fetcher encrypts with.
    pub(super) fn edge(&self) -> TlsConnector {
        self.edge.clone()
    }

    /// An address at which whoever asks plainly is passed on to `control`, encrypted and as the operator.
    pub(super) fn relay(&self, control: SocketAddr) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let operator = self.operator.clone();
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((mut plain, _)) = listener.accept().await {
                let operator = operator.clone();
                tokio::spawn(async move {
                    // Whoever asked sees the end, and says what is missing.
                    let Ok(mut encrypted) = connect(control, &operator).await else { return };
                    let _ = copy_bidirectional(&mut plain, &mut encrypted).await;
                });
            }
        });
        address
    }
}

/// A connection that is encrypted.
pub(super) async fn connect(control: SocketAddr, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(control).await?;
    stream.set_nodelay(true)?;
    connector.connect(ServerName::try_from(HOST).expect("a name"), stream).await
}

fn connector(authority: &Authority, identity: &Identity) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM")).expect("an authority");
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13]).expect("TLS 1.3").with_root_certificates(roots);
    TlsConnector::from(Arc::new(builder.with_client_auth_cert(vec![certificate], key).expect("a pair")))
}
