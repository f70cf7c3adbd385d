//! Who may come in, and how: TLS, callers and limits, read when serving begins, and again on SIGHUP.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    access::{
        Callers, Door,
        certificate::EXPIRES,
        tls::{Fault, Files, Tls},
    },
    connections::{Admission, Connections, Limits},
    failure::Failure,
    finding::Finding,
    metrics::Metrics,
    namespace::{About, Namespace},
};

/// Who may come in, and how.
#[derive(Debug, clap::Args)]
pub struct Entrance {
    /// Encrypt with TLS 1.3: the server's certificate in PEM, followed by those between it and its authority. One that is not
    /// valid now is refused; the status warns from 14 days before its end. SIGHUP has it, --tls-key and --client-ca read again.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert in PEM. A file that others than its owner can use is refused, but a group may read it.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authorities whose certificates clients may show, in PEM. Whoever shows none needs a token; one of another
    /// authority ends the handshake.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Who may what: a document of kind Callers, with the SHA-256 of tokens, names in certificates, and roles (fetcher,
    /// reader, publisher, operator). Read again on SIGHUP; one that cannot be used changes nothing. Not given: everybody
    /// who reaches the address may everything.
    #[arg(long, value_name = "FILE")]
    callers: Option<PathBuf>,
    /// The most connections in all. An Envoy has two.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_480)]
    max_connections: usize,
    /// The most connections from one address. Addresses of loopback count only in all.
    #[arg(long, value_name = "NUMBER", default_value_t = 256)]
    max_connections_of_address: usize,
    /// The most requests a second by one caller from one address; four times as many may come at once. 0: as many as he
    /// likes, as everywhere without --callers.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    max_rate: u32,
}

impl Entrance {
    /// Refuses an address that other machines reach, where anybody there could read or ask.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn expect_guarded(&self, address: SocketAddr) -> Result<(), Failure> {
        let lacking = match (&self.tls_cert, &self.callers) {
            (Some(_), Some(_)) => return Ok(()),
            _ if address.ip().is_loopback() => return Ok(()),
            (Some(_), None) => "without --callers",
            (None, Some(_)) => "without --tls-cert and --tls-key",
            (None, None) => "without --tls-cert, --tls-key and --callers",
        };
        let found = format!("--listen: found {address}, which other machines reach, {lacking}");
        Err(Failure::unable(format!("{found}, expected these, a loopback address, or --insecure-listen beside it")))
    }

    /// Whether there is nothing to read again.
    pub fn is_empty(&self) -> bool {
        self.tls_cert.is_none() && self.callers.is_none()
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// The door that callers come in by.
    ///
    /// # Errors
    /// Everything that is wrong with the file of callers.
    pub fn door(&self) -> Result<Arc<Door>, Failure> {
        let Some(path) = &self.callers else { return Ok(Arc::default()) };
        let callers = Callers::read(path).and_then(|callers| self.recognisable(path, callers));
        let callers = callers.map_err(|findings| Failure::unable(format!("--callers: {}", lines(&findings))))?;
        Ok(Arc::new(Door::of(callers, self.max_rate)))
    }

    /// What connections are encrypted with, where they are.
    ///
    /// # Errors
    /// Every file that cannot be used `now`.
    pub fn tls(&self, now: Timestamp) -> Result<Option<Tls>, Failure> {
        let tls = self.files().map(|files| Tls::read(&files, now)).transpose();
        tls.map_err(|faults| Failure::unable(faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")))
    }

    /// What connections go by.
    pub fn connections(&self, tls: Option<Tls>, metrics: &Metrics) -> Arc<Connections> {
        let limits = Limits { connections: self.max_connections, of_address: self.max_connections_of_address };
        Arc::new(Connections {
            tls,
            admission: Admission::new(limits, metrics.connections.clone()),
            refusals: metrics.refusals.clone(),
            renewed: tokio::sync::watch::Sender::new(()),
        })
    }

    /// Reads everything again. What cannot be used changes nothing, and is a problem of the namespace.
    pub fn read_again(&self, door: &Door, connections: &Connections, namespace: &Namespace) {
        let mut problems = Vec::new();
        if let (Some(tls), Some(files)) = (&connections.tls, self.files()) {
            match tls.read_again(&files, namespace.clock.now().wall) {
                Ok(()) => tracing::info!("SIGHUP: certificates read again"),
                Err(faults) => {
                    problems.extend(faults.iter().map(|fault| Finding::of_file(&fault.problem, "tls", fault.option)));
                }
            }
        }
        let read = |path: &Path| Callers::read(path).and_then(|callers| self.recognisable(path, callers));
        match self.callers.as_deref().map(read) {
            Some(Ok(callers)) => {
                tracing::info!("SIGHUP: callers read again, {} entries", callers.len());
                door.replace(callers);
            }
            Some(Err(findings)) => problems.extend(findings),
            None => {}
        }
        for problem in &problems {
            tracing::error!("SIGHUP: what was in use stays: {problem}");
        }
        namespace.replace_problems(About::Access, problems);
        self.look(connections, namespace);
        // Connections of the old certificates and callers end once their request is answered.
        connections.renewed.send_replace(());
    }

    /// Says when the certificate that is shown ends: in the metrics, and as a problem from some time before.
    pub fn look(&self, connections: &Connections, namespace: &Namespace) {
        let (Some(tls), Some(path)) = (&connections.tls, &self.tls_cert) else { return };
        let validity = tls.validity();
        namespace.metrics.certificate_expiry.set(validity.until.as_second());
        let before = namespace.problems_with(About::Access);
        let finding = validity.finding(&path.display().to_string(), namespace.clock.now().wall);
        let others = before.iter().filter(|problem| problem.code != EXPIRES).cloned();
        let problems: Vec<_> = others.chain(finding.clone()).collect();
        if problems == before {
            return;
        }
        match finding {
            Some(problem) if problem.is_error() => tracing::error!("{problem}"),
            Some(problem) => tracing::warn!("{problem}"),
            None => {}
        }
        namespace.replace_problems(About::Access, problems);
    }

    /// Refuses callers whom nobody could recognise: no client shows a certificate where none is asked for.
    fn recognisable(&self, path: &Path, callers: Callers) -> Result<Callers, Vec<Finding>> {
        let certified: BTreeSet<_> = callers.certified().collect();
        if certified.is_empty() || self.client_ca.is_some() {
            return Ok(callers);
        }
        let some: Vec<_> = certified.iter().take(8).copied().collect();
        let more = if certified.len() > some.len() { ", …" } else { "" };
        let found = format!("callers known by a certificate ({}{more}) without --client-ca", some.join(", "));
        let expected = "--client-ca FILE with the authorities of these certificates, or a tokenSha256 for each";
        Err(vec![Finding::about(&path.display().to_string(), "callers", found, expected)])
    }

    fn files(&self) -> Option<Files> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(Files { certificate, key, client_ca: self.client_ca.clone() })
    }
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}
