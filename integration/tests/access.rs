//! Envoys that have to say who they are: by the clusters of `envoy/access`, with TLS, a token or a certificate.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use graylane_integration::certificates::{Authority, Identity};
use graylane_integration::{Echo, Envoy, Process, Request, Settings, Wire, artefact, eventually, root, samples};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Who the control plane is.
const CONTROL: &str = "spiffe://cluster.local/ns/graylane/sa/graylane-control";
const HOST: &str = "graylane-control.example";
/// Who `callers.yaml` knows as `gateway`.
const GATEWAY: &str = "spiffe://cluster.local/ns/edge/sa/gateway";

/// A control plane with TLS and callers: an Envoy `edge` by token, another by certificate, and an operator.
struct Guarded {
    _serving: Process,
    control: SocketAddr,
    authority: Authority,
    edge: String,
    scratch: TempDir,
}

/// An Envoy, and what it sends requests to.
struct Proxied {
    envoy: Envoy,
    _upstreams: [Echo; 2],
}

impl Guarded {
    fn start() -> Self {
        let (scratch, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let at = |name: &str| scratch.path().join(name);
        fs::create_dir(at("rules")).unwrap();
        fs::write(at("rules/a.yaml"), samples::header_to_canary("gray")).unwrap();
        fs::write(at("ca.pem"), authority.pem()).unwrap();
        authority.identity(CONTROL, HOST).write(scratch.path(), "server");
        private(&at("server-key.pem"));
        let (edge, digest) = token("edge", "fetcher");
        let (operator, entry) = token("operator", "operator");
        fs::write(at("operator.token"), operator).unwrap();
        private(&at("operator.token"));
        let shipped = fs::read_to_string(root().join("envoy/access/callers.yaml")).unwrap();
        let callers = shipped.replace(&"0".repeat(64), digest["tokenSha256"].as_str().unwrap());
        assert_ne!(callers, shipped);
        fs::write(at("callers.yaml"), format!("{callers}    - {entry}\n")).unwrap();
        let options =
            ["--tls-cert=server.pem", "--tls-key=server-key.pem", "--client-ca=ca.pem", "--callers=callers.yaml"];
        let mut words: Vec<_> = options.iter().map(|option| in_directory(option, scratch.path())).collect();
        words.extend([
            "serve".to_owned(),
            format!("--rules={}", at("rules").display()),
            "--listen=127.0.0.1:0".to_owned(),
        ]);
        words.rotate_right(3);
        let serving = Process::start("control", &artefact("target/debug/graylane"), &words);
        let control = serving.line(0, "an address", |line| line.strip_prefix("listening on https://")?.parse().ok());
        Self { _serving: serving, control, authority, edge, scratch }
    }

    /// `graylane status` as the operator asks for it.
    fn status(&self) -> Value {
        let mut command = Command::new(artefact("target/debug/graylane"));
        command.current_dir(self.scratch.path()).args([
            "status",
            "-o",
            "json",
            "--ca",
            "ca.pem",
            "--server-name",
            HOST,
        ]);
        command.args(["--token-file", "operator.token", "--control", &format!("https://{}", self.control)]);
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Waits until the Envoy `node` runs what is published.
    fn await_node(&self, node: &str) {
        eventually("an Envoy that runs what is published", || {
            let status = self.status();
            let found = status["nodes"].as_array().unwrap().iter().find(|found| found["id"] == node);
            let is_on_it = |worker: &Value| worker["revision"] == status["revision"];
            match found.and_then(|found| found["workers"].as_array()) {
                Some(workers) if workers.len() == 2 && workers.iter().all(is_on_it) => Ok(()),
                _ => Err(format!("found {status:#}")),
            }
        });
    }

    /// Starts an Envoy called `node` that reaches the control plane by the cluster in `file` of `envoy/access`, which `change`
    /// may make worse.
    fn envoy(&self, node: &str, file: &str, change: impl Fn(&mut Value)) -> Proxied {
        let own = self.scratch.path().join(node);
        fs::create_dir_all(&own).unwrap();
        let (stable, canary) = (Echo::start("stable", "127.0.0.1:0"), Echo::start("canary", "127.0.0.1:0"));
        fs::copy(self.scratch.path().join("ca.pem"), own.join("ca.pem")).unwrap();
        let mut cluster = self.shipped(file, &own);
        change(&mut cluster);
        let minimal = fs::read_to_string(root().join("envoy/minimal.yaml")).unwrap();
        let mut bootstrap: Value = serde_saphyr::from_str(&minimal).unwrap();
        // What comes by SDS needs a cluster there, too.
        bootstrap["node"] = json!({"id": node, "cluster": "edge"});
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().unwrap();
        let place = clusters.iter().position(|cluster| cluster["name"] == "graylane_control").unwrap();
        clusters[place] = cluster;
        let ports = [(10_000, 0), (9901, 0), (8081, stable.address().port()), (8082, canary.address().port())];
        let text = ports.iter().fold(bootstrap.to_string(), |text, (shipped, port)| {
            text.replace(&format!("\"port_value\":{shipped}}}"), &format!("\"port_value\":{port}}}"))
        });
        let configuration = own.join("envoy.json");
        fs::write(&configuration, text).unwrap();
        let envoy = Envoy::start(&configuration, &own, &Settings { workers: 1, into_files: true });
        Proxied { envoy, _upstreams: [stable, canary] }
    }

    /// A file of `envoy/access` whose files are in `own`, and whose control plane is this one.
    fn shipped(&self, file: &str, own: &Path) -> Value {
        let text = fs::read_to_string(root().join("envoy/access").join(file)).unwrap();
        let text = text.replace("/etc/graylane", &own.display().to_string());
        let port = format!("port_value: {}", self.control.port());
        let text = text.replace(&format!("address: {HOST}"), "address: 127.0.0.1").replace("port_value: 8460", &port);
        serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{file}: {why}"))
    }

    /// Gives the Envoy `node` this token, as `authorization.yaml` has it.
    fn give_token(&self, node: &str, token: &str) {
        let own = self.scratch.path().join(node);
        fs::create_dir_all(&own).unwrap();
        let secret = self.shipped("authorization.yaml", &own).to_string().replace("TOKEN", token);
        fs::write(own.join(".new"), secret).unwrap();
        fs::rename(own.join(".new"), own.join("authorization.yaml")).unwrap();
    }

    /// Gives the Envoy `node` this certificate, as `certificate-sds.yaml` has it.
    fn give_certificate(&self, node: &str, identity: &Identity) {
        let own = self.scratch.path().join(node);
        fs::create_dir_all(&own).unwrap();
        identity.write(&own, "edge");
        fs::write(own.join("certificate-sds.yaml"), self.shipped("certificate-sds.yaml", &own).to_string()).unwrap();
    }

    /// What the problems of the status say of who is refused.
    fn refused(&self) -> String {
        let status = self.status();
        let problems = status["problems"].as_array().unwrap().iter();
        let found = problems.filter(|problem| problem["code"] == "refused-caller");
        found.map(|problem| format!("{}; ", problem["found"].as_str().unwrap())).collect()
    }

    fn nodes(&self) -> Vec<String> {
        let status = self.status();
        status["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// `--option=FILE` with the file in `directory`.
fn in_directory(option: &str, directory: &Path) -> String {
    let (option, file) = option.split_once('=').unwrap();
    format!("{option}={}", directory.join(file).display())
}

/// A new token, and its entry in the file of callers.
fn token(name: &str, role: &str) -> (String, Value) {
    let mut command = Command::new(artefact("target/debug/graylane"));
    let output = command.args(["tokens", "new", "-o", "json", "--name", name, "--role", role]).output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    (made["token"].as_str().unwrap().to_owned(), made["entry"].clone())
}

fn upstream(proxied: &Proxied) -> String {
    let gray = Request::get("/").header("x-env", "gray");
    let answer = Wire::open(proxied.envoy.address()).and_then(|mut wire| wire.exchange(&gray)).unwrap();
    answer.seen().upstream
}

fn log(guarded: &Guarded, node: &str) -> String {
    fs::read_to_string(guarded.scratch.path().join(node).join(graylane_integration::envoy::LOG)).unwrap_or_default()
}

/// Waits until the log of the Envoy `node` says that it is refused.
fn await_told(guarded: &Guarded, node: &str, said: &str) {
    eventually("the reason in Envoy's log", || {
        let log = log(guarded, node);
        if log.contains("no news from the control plane") && log.contains(said) { Ok(()) } else { Err(log) }
    });
}

#[test]
fn an_envoy_with_a_token_fetches_and_one_with_none_or_a_wrong_one_takes_nothing_until_it_has_it() {
    let guarded = Guarded::start();
    guarded.give_token("right", &guarded.edge);
    let right = guarded.envoy("right", "token.yaml", |_| {});
    guarded.await_node("right");
    assert_eq!(upstream(&right), "canary");

    guarded.give_token("wrong", "graylane_wrong");
    let wrong = guarded.envoy("wrong", "token.yaml", |_| {});
    await_told(&guarded, "wrong", "401");
    let refused = guarded.refused();
    assert!(refused.contains("from 127.0.0.1: a token that no caller has"), "{refused}");
    let without = guarded.envoy("without", "token.yaml", |cluster| {
        let options = &mut cluster["typed_extension_protocol_options"];
        let options = &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
        options["http_filters"].as_array_mut().unwrap().remove(0);
    });
    await_told(&guarded, "without", "401");
    assert_eq!((upstream(&wrong), upstream(&without)), ("stable".to_owned(), "stable".to_owned()));
    assert_eq!(guarded.nodes(), ["right"]);

    // A token is replaced where it stands.
    guarded.give_token("wrong", &guarded.edge);
    guarded.await_node("wrong");
    assert_eq!(upstream(&wrong), "canary");
    for node in ["right", "wrong"] {
        assert!(!log(&guarded, node).contains(&guarded.edge), "{node}");
    }
    let dump = right.envoy.admin().text("/config_dump").unwrap();
    assert!(dump.contains("credential_injector") && !dump.contains(&guarded.edge));
}

#[test]
fn an_envoy_with_a_certificate_fetches_and_one_of_another_name_authority_or_server_takes_nothing() {
    let guarded = Guarded::start();
    guarded.give_certificate("right", &guarded.authority.identity(GATEWAY, "workload"));
    let right = guarded.envoy("right", "certificate.yaml", |_| {});
    guarded.await_node("right");
    assert_eq!(upstream(&right), "canary");

    guarded.give_certificate(
        "stranger",
        &guarded.authority.identity("spiffe://cluster.local/ns/edge/sa/other", "workload"),
    );
    let stranger = guarded.envoy("stranger", "certificate.yaml", |_| {});
    await_told(&guarded, "stranger", "401");
    let refused = guarded.refused();
    let name = "a certificate of \"spiffe://cluster.local/ns/edge/sa/other\", \"workload\", which no caller is";
    assert!(refused.contains(name), "{refused}");

    guarded.give_certificate("forger", &Authority::new().identity(GATEWAY, "workload"));
    let forger = guarded.envoy("forger", "certificate.yaml", |_| {});
    await_told(&guarded, "forger", "503");
    // One that expects somebody else to be the control plane.
    guarded.give_certificate("wary", &guarded.authority.identity(GATEWAY, "workload"));
    let wary = guarded.envoy("wary", "certificate.yaml", |cluster| {
        let context = &mut cluster["transport_socket"]["typed_config"]["common_tls_context"];
        context["validation_context"]["match_typed_subject_alt_names"][0]["matcher"]["exact"] = json!("spiffe://a/b");
    });
    await_told(&guarded, "wary", "503");
    let seen = [&stranger, &forger, &wary].map(upstream);
    assert_eq!(seen, ["stable", "stable", "stable"]);
    assert_eq!(guarded.nodes(), ["right"]);
}
