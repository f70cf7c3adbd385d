//! The AuthorizationPolicy of the control plane, as Envoy's RBAC behind TLS with certificates of workloads: fetchers get through, for what they
//! ask, and nobody else does.

use std::{fs, net::SocketAddr, path::Path};

use graylane_integration::certificates::Authority;
use graylane_integration::{
    Answer, Echo, Envoy, Process, Request, Settings, Status, Wire, artefact, eventually,
    kubernetes::{
        Manifests, arguments,
        caller::{self, CONTROL, cluster},
        rbac,
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

const SNAPSHOT: &str = "/v1/namespaces/default/snapshot";
const ACKS: &str = "/v1/namespaces/default/acks";
const FRONTEND: &str = "spiffe://cluster.local/ns/shop/sa/frontend";
const GATEWAY: &str = "spiffe://cluster.local/ns/istio-ingress/sa/istio-ingressgateway";

/// Those who are not let in, whatever they ask.
const OTHERS: [&str; 5] = [
    "spiffe://cluster.local/ns/shop/sa/default",
    "spiffe://cluster.local/ns/web/sa/frontend",
    "spiffe://cluster.local/ns/shop/sa/frontend2",
    "spiffe://elsewhere.example/ns/shop/sa/frontend",
    CONTROL,
];

/// The control plane as the Deployment starts it, behind its sidecar.
struct Guarded {
    sidecar: Envoy,
    _serving: Process,
    /// Where it answers without the sidecar, as inside the pod.
    control: SocketAddr,
    authority: Authority,
    scratch: TempDir,
}

impl Guarded {
    fn start(change: impl Fn(&mut Value)) -> Self {
        let (scratch, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let manifests = Manifests::shipped("base");
        let (serving, control) = serve(&manifests, scratch.path());
        let mut policy = manifests.one("AuthorizationPolicy").clone();
        change(&mut policy);
        let rbac = rbac::filter(&policy).unwrap();
        let configuration = caller::sidecar(control, &rbac, authority.context(Some(CONTROL), None));
        let sidecar = envoy(scratch.path(), "sidecar", &configuration);
        Self { sidecar, _serving: serving, control, authority, scratch }
    }

    /// The cluster `name` of whoever is `identity`; without one, a client that has no certificate.
    fn cluster(&self, name: &str, identity: Option<&str>) -> Value {
        cluster(name, self.sidecar.address(), Some(self.authority.context(identity, Some(CONTROL))))
    }

    /// What each of these gets for each request.
    fn asked(&self, identities: &[Option<&str>], requests: &[Request]) -> Vec<Vec<Result<Answer, String>>> {
        let name = |number: usize| format!("who-{number}");
        let clusters = identities.iter().enumerate().map(|(number, who)| self.cluster(&name(number), *who));
        let passing = caller::passing(&clusters.collect::<Vec<_>>());
        let passing = envoy(self.scratch.path(), "passing", &passing);
        let listeners = passing.admin().listeners().unwrap();
        let address = |number| listeners.iter().find(|(found, _)| *found == name(number)).unwrap().1;
        let each = |number| requests.iter().map(move |request| ask(address(number), request)).collect();
        (0..identities.len()).map(each).collect()
    }

    fn status(&self) -> Result<Status, String> {
        let answer = ask(self.control, &Request::get("/v1/namespaces/default/status"))?;
        serde_json::from_slice(&answer.body).map_err(|why| why.to_string())
    }
}

/// Starts `graylane serve` with the arguments of the container, but on a free port of this host.
fn serve(manifests: &Manifests, scratch: &Path) -> (Process, SocketAddr) {
    let rules = scratch.join("rules");
    fs::create_dir(&rules).unwrap();
    manifests.mounted("control", "/rules", &rules);
    let words = arguments(manifests.container("control")).into_iter().map(|word| match word {
        "--rules=/rules" => format!("--rules={}", rules.display()),
        "--listen=0.0.0.0:8460" => "--listen=127.0.0.1:0".to_owned(),
        other => other.to_owned(),
    });
    let words: Vec<_> = words.collect();
    let serving = Process::start("control", &artefact("target/debug/graylane"), &words);
    let address = serving.line(0, "an address", |line| line.strip_prefix("listening on http://")?.parse().ok());
    eventually("rules to be published", || match ask(address, &Request::get("/readyz"))?.status {
        200 => Ok(()),
        found => Err(format!("found {found}")),
    });
    (serving, address)
}

fn envoy(scratch: &Path, name: &str, configuration: &Value) -> Envoy {
    let own = scratch.join(name);
    fs::create_dir(&own).unwrap();
    let file = own.join("envoy.json");
    fs::write(&file, configuration.to_string()).unwrap();
    Envoy::start(&file, &own, &Settings { workers: 1, into_files: false })
}

fn ask(address: SocketAddr, request: &Request) -> Result<Answer, String> {
    let answer = Wire::open(address).and_then(|mut wire| wire.exchange(request));
    answer.map_err(|why| why.to_string())
}

fn post(path: &str) -> Request {
    Request::new("POST", path).header("content-length", "0")
}

#[test]
fn identities_get_through_for_what_fetchers_ask_and_for_nothing_else() {
    let guarded = Guarded::start(|_| {});
    let allowed = [Request::get(&format!("{SNAPSHOT}?after=0.0&formats=2&wait=1s")), post(ACKS)];
    let refused = [
        post(SNAPSHOT),
        Request::get(ACKS),
        Request::get("/v1/namespaces/other/snapshot"),
        Request::get("/v1/namespaces/default/status"),
        Request::get(&format!("{SNAPSHOT}/../status")),
        Request::get(&format!("{SNAPSHOT}/")),
        Request::get("/v1/events"),
        post("/v1/switches/reload"),
        Request::get("/metrics"),
        Request::get("/healthz"),
        Request::get("/"),
    ];
    let requests: Vec<_> = allowed.iter().chain(&refused).cloned().collect();
    // What the control plane itself says to each.
    let direct: Vec<_> = allowed.iter().map(|request| ask(guarded.control, request).unwrap().status).collect();
    // The second is no report, which it says by itself.
    assert_eq!(direct, [200, 415]);
    let who: Vec<_> = [FRONTEND, GATEWAY].into_iter().chain(OTHERS).map(Some).collect();
    for (identity, answers) in who.iter().zip(guarded.asked(&who, &requests)) {
        let identity = identity.unwrap();
        for (place, (request, answer)) in requests.iter().zip(answers).enumerate() {
            let through = !OTHERS.contains(&identity) && place < allowed.len();
            let expected = if through { direct[place] } else { 403 };
            let answer = answer.unwrap();
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, expected, "{identity}: {request:?}: {said}");
            assert_eq!(said == "RBAC: access denied", !through, "{identity}: {request:?}: {said}");
        }
    }
}

#[test]
fn nobody_gets_through_without_a_certificate_of_the_mesh() {
    let guarded = Guarded::start(|_| {});
    let snapshot = [Request::get(SNAPSHOT)];
    let answers = guarded.asked(&[None, Some(FRONTEND)], &snapshot);
    assert!(answers[0][0].is_err(), "{answers:?}");
    assert_eq!(answers[1][0].as_ref().unwrap().status, 200);
    // Without TLS at all.
    assert!(ask(guarded.sidecar.address(), &snapshot[0]).is_err());
    // By somebody else's authority, under the right name.
    let forged = Authority::new().context(Some(FRONTEND), None)["tls_certificates"].clone();
    let mut tls = guarded.authority.context(None, Some(CONTROL));
    tls["tls_certificates"] = forged;
    let passing = caller::passing(&[cluster("forger", guarded.sidecar.address(), Some(tls))]);
    let forger = envoy(guarded.scratch.path(), "forger", &passing);
    assert!(ask(forger.address(), &snapshot[0]).is_err());
}

#[test]
fn an_altered_policy_refuses_whom_it_no_longer_names() {
    let guarded = Guarded::start(|policy| {
        policy["spec"]["rules"][0]["from"][0]["source"]["principals"][0] = json!("cluster.local/ns/shop/sa/back");
        policy["spec"]["rules"][0]["to"][1]["operation"]["paths"][0] = json!(SNAPSHOT);
    });
    let answers = guarded.asked(&[Some(FRONTEND), Some(GATEWAY)], &[Request::get(SNAPSHOT), post(ACKS)]);
    let answers: Vec<Vec<_>> =
        answers.iter().map(|each| each.iter().map(|answer| answer.as_ref().unwrap().status).collect()).collect();
    assert_eq!(answers, [[403, 403], [200, 403]]);
}

/// `outbound|8460||…`, as `bootstrap.yaml` names it.
const CLUSTER: &str = "outbound|8460||graylane-control.graylane.svc.cluster.local";

#[test]
fn the_fetcher_of_a_workload_that_is_let_in_brings_rules_and_another_does_not() {
    let guarded = Guarded::start(|_| {});
    let (stable, canary) = (Echo::start("stable", "127.0.0.1:0"), Echo::start("canary", "127.0.0.1:0"));
    let start = |name: &str, identity| {
        let control = guarded.cluster(CLUSTER, Some(identity));
        let configuration = caller::caller(name, control, stable.address(), canary.address());
        envoy(guarded.scratch.path(), name, &configuration)
    };
    let stranger = start("stranger", OTHERS[0]);
    let frontend = start("frontend", FRONTEND);
    // The worker's VM, and the main thread's.
    eventually("the frontend's VMs to run what is published", || guarded.status()?.on_it(2));
    let denied = || guarded.sidecar.admin().stat("http.inbound_0.0.0.0_8460;.rbac.denied");
    eventually("the stranger to be refused", || match denied() {
        Some(count) if count > 1 => Ok(()),
        found => Err(format!("found {found:?} refusals")),
    });
    let nodes: Vec<_> = guarded.status().unwrap().nodes.into_iter().map(|node| node.id).collect();
    assert_eq!(nodes, ["frontend"]);
    let tester = Request::get("/").header("x-env", "gray");
    let seen = |envoy: &Envoy| ask(envoy.address(), &tester).unwrap().seen();
    let decided = seen(&frontend);
    assert_eq!(decided.upstream, "canary");
    assert_eq!(decided.text("x-gray-switches"), Some("feature_login=\"v2\""));
    assert_eq!(seen(&stranger).upstream, "stable");
}
