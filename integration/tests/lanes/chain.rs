//! A gateway, and two services with a sidecar each: the files of envoy/lanes, changed in ports and paths alone.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use graylane_integration::{Control, Echo, Envoy, Rules, Settings, root};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::app;
use graylane_integration::certificates::Authority;

/// Everything, running.
pub struct Chain {
    pub gateway: Envoy,
    pub first: Envoy,
    pub next: Envoy,
    pub authority: Authority,
    _echoes: [Echo; 2],
    _control: Control,
    _scratch: TempDir,
}

/// Who is who: the names in certificates, and under which names files have them.
const IDENTITIES: [(&str, &str); 3] = [
    ("gateway", "spiffe://cluster.local/ns/edge/sa/gateway"),
    ("a", "spiffe://cluster.local/ns/shop/sa/a"),
    ("b", "spiffe://cluster.local/ns/shop/sa/b"),
];

impl Chain {
    /// Starts everything, applications on `runtime`; every Envoy runs the rules then.
    pub fn start(runtime: &Runtime) -> Self {
        let scratch = tempfile::Builder::new().prefix("graylane-lanes-").tempdir().expect("a temporary directory");
        let certificates = scratch.path().join("certs");
        std::fs::create_dir(&certificates).expect("a directory");
        let authority = Authority::new();
        std::fs::write(certificates.join("ca.pem"), authority.pem()).expect("the authority is written");
        for (name, uri) in IDENTITIES {
            authority.identity(uri, &format!("{name}.shop.svc")).write(&certificates, name);
        }
        let control = Control::start(Rules::new(root().join("envoy/lanes/rules")), "127.0.0.1:0", false);
        let stage = Stage { scratch: scratch.path().to_owned(), control: control.address().port() };

        let echoes = ["b-stable", "b-canary"].map(|name| Echo::start(name, "127.0.0.1:0"));
        let [stable, canary] = echoes.each_ref().map(|echo| echo.address().port());
        // Nothing is behind the second service.
        let next = stage.sidecar("b", stable, canary, 1);
        let outbound = Arc::new(OnceLock::new());
        let app = |name| runtime.block_on(app::start(name, outbound.clone())).port();
        let (stable, canary) = (app("a-stable"), app("a-canary"));
        let first = stage.sidecar("a", stable, canary, port(&next, "inbound"));
        outbound.set(listener(&first, "outbound")).expect("set once");
        let text = stage.text("gateway.yaml", &[("15006", port(&first, "inbound")), ("10000", 0)]);
        let gateway = stage.start("gateway", &text);

        let rules = std::fs::read_dir(root().join("envoy/lanes/rules")).expect("the rules");
        let rules = rules.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("a document"));
        let workers = 3 * (1 + 1);
        control.await_everyone(&rules.collect::<Vec<_>>(), workers);
        Self { gateway, first, next, authority, _echoes: echoes, _control: control, _scratch: scratch }
    }
}

struct Stage {
    scratch: PathBuf,
    control: u16,
}

impl Stage {
    fn sidecar(&self, name: &str, stable: u16, canary: u16, next: u16) -> Envoy {
        let ports = [("15006", 0), ("15001", 0), ("8081", stable), ("8082", canary), ("15016", next)];
        let text = self.text("sidecar.yaml", &ports);
        let text = replaced(&text, "id: graylane-a ", &format!("id: graylane-{name} "), 1);
        // A service's own certificate is used on both sides: where it listens, and where it calls.
        let own = |file: &str| format!("{}/certs/{file}", self.scratch.display());
        let text = replaced(&text, &own("a.pem"), &own(&format!("{name}.pem")), 2);
        let text = replaced(&text, &own("a-key.pem"), &own(&format!("{name}-key.pem")), 2);
        self.start(name, &text)
    }

    /// A file of envoy/lanes, with other ports and with the certificates where they are.
    fn text(&self, file: &str, ports: &[(&str, u16)]) -> String {
        let text = std::fs::read_to_string(root().join("envoy/lanes").join(file)).expect("a configuration");
        let all = ports.iter().copied().chain([("9901", 0), ("8460", self.control)]);
        let text = all.fold(text, |text, (shipped, port)| {
            replaced(&text, &format!("port_value: {shipped} "), &format!("port_value: {port} "), 1)
        });
        text.replace("filename: certs/", &format!("filename: {}/certs/", self.scratch.display()))
    }

    fn start(&self, name: &str, text: &str) -> Envoy {
        let scratch = self.scratch.join(name);
        std::fs::create_dir(&scratch).expect("a directory");
        let file = scratch.join("envoy.yaml");
        std::fs::write(&file, text).expect("the configuration is written");
        Envoy::start(Path::new(&file), &scratch, &Settings { workers: 1, into_files: false })
    }
}

/// `text` with `new` instead of `old`, which stands there so many times.
fn replaced(text: &str, old: &str, new: &str, times: usize) -> String {
    let found = text.matches(old).count();
    assert_eq!(found, times, "found {old:?} {found} times, expected {times}");
    text.replace(old, new)
}

/// Where the listener of this name really listens.
pub fn listener(envoy: &Envoy, name: &str) -> SocketAddr {
    let listeners = envoy.admin().listeners().expect("Envoy's listeners");
    listeners.into_iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("found no listener {name}")).1
}

fn port(envoy: &Envoy, name: &str) -> u16 {
    listener(envoy, name).port()
}
