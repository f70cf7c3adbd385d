//! Whether the manifests fit each other, and the fetchers and filters beside them.

use std::{collections::BTreeSet, path::Path};

use graylane_integration::kubernetes::{Manifests, arguments, items};
use serde_json::{Value, json};

const POD: &str = "/spec/template/spec";

/// What fetchers are configured with, in `bootstrap.yaml`.
pub struct Fetcher {
    /// The namespace of rules that they ask for.
    pub namespace: String,
    /// Envoy's cluster.
    pub cluster: String,
    pub authority: String,
    /// The headers that the filters own.
    pub owned: BTreeSet<String>,
}

/// Everything that does not fit.
pub fn problems(manifests: &Manifests, fetcher: &Fetcher) -> Vec<String> {
    let mut report = Report(Vec::new());
    namespaces(manifests, &mut report);
    selectors(manifests, &mut report);
    reached(manifests, fetcher, &mut report);
    least(manifests, &mut report);
    mounted(manifests, fetcher, &mut report);
    policies(manifests, fetcher, &mut report);
    one_replica(manifests, &mut report);
    report.0
}

struct Report(Vec<String>);

impl Report {
    fn expect(&mut self, right: bool, what: impl Into<String>) {
        if !right {
            self.0.push(what.into());
        }
    }
}

fn at<'v>(document: &'v Value, pointer: &str) -> &'v Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

fn text<'v>(document: &'v Value, pointer: &str) -> &'v str {
    at(document, pointer).as_str().unwrap_or_default()
}

fn namespaces(manifests: &Manifests, report: &mut Report) {
    let namespace = manifests.one("Namespace");
    let injected = text(namespace, "/metadata/labels/istio-injection") == "enabled";
    report.expect(injected, "the namespace gets no sidecar: nothing of the policies would hold");
    let name = text(namespace, "/metadata/name");
    for document in manifests.0.iter().filter(|document| document["kind"] != "Namespace") {
        let found = text(document, "/metadata/namespace");
        report.expect(found == name, format!("{} is in the namespace {found:?}, not {name}", document["kind"]));
    }
}

fn selectors(manifests: &Manifests, report: &mut Report) {
    let labels = at(manifests.one("Deployment"), "/spec/template/metadata/labels");
    for (kind, pointer) in [
        ("Deployment", "/spec/selector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("PeerAuthentication", "/spec/selector/matchLabels"),
        ("AuthorizationPolicy", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ] {
        // Without one it would be about everything.
        let selector = at(manifests.one(kind), pointer).as_object();
        let fits = selector.is_some_and(|selector| {
            !selector.is_empty() && selector.iter().all(|(name, value)| labels[name] == *value)
        });
        report.expect(fits, format!("{kind} does not select the pods"));
    }
    let deployment = manifests.one("Deployment");
    let account = text(deployment, "/spec/template/spec/serviceAccountName");
    let named = manifests.all("ServiceAccount").any(|found| text(found, "/metadata/name") == account);
    report.expect(named, format!("there is no ServiceAccount {account:?}"));
    let token = at(at(deployment, POD), "/automountServiceAccountToken");
    report.expect(*token == json!(false), "the pod gets a token of Kubernetes' API, which it never uses");
}

/// From the fetcher's cluster by the Service to the port that `serve` listens on.
fn reached(manifests: &Manifests, fetcher: &Fetcher, report: &mut Report) {
    let (service, control) = (manifests.one("Service"), manifests.container("control"));
    let host =
        format!("{}.{}.svc.cluster.local", text(service, "/metadata/name"), text(service, "/metadata/namespace"));
    let port = at(service, "/spec/ports/0");
    let cluster = format!("outbound|{}||{host}", port["port"]);
    report.expect(cluster == fetcher.cluster, format!("the Service is {cluster}, fetchers ask {}", fetcher.cluster));
    report.expect(host == fetcher.authority, format!("the Service is {host}, fetchers ask for {}", fetcher.authority));
    report.expect(port["name"] == "http", "the Service's port is not named http: Istio would see no methods and paths");
    let container = at(control, "/ports/0");
    report.expect(port["targetPort"] == container["name"], "the Service's port leads to no port of the container");
    let listens = argument(control, "--listen").and_then(|listen| listen.rsplit_once(':')).map(|(_, port)| port);
    let listens = listens.and_then(|port| port.parse::<u16>().ok());
    report
        .expect(json!(listens) == container["containerPort"], "serve listens on another port than the container says");
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let asked = at(control, &format!("/{probe}/httpGet"));
        let fits = asked["path"] == path && asked["port"] == container["name"];
        report.expect(fits, format!("{probe} asks for {asked}"));
    }
    let annotations = at(manifests.one("Deployment"), "/spec/template/metadata/annotations");
    let scraped = ["scrape", "port", "path"].map(|name| text(annotations, &format!("/prometheus.io~1{name}")));
    let port = container["containerPort"].to_string();
    report.expect(scraped == ["true", &port, "/metrics"], format!("Prometheus is sent to {scraped:?}"));
}

/// The value of an option, `--name=value`.
fn argument<'c>(container: &'c Value, name: &str) -> Option<&'c str> {
    arguments(container).into_iter().find_map(|found| found.strip_prefix(name)?.strip_prefix('='))
}

/// The restricted profile of Kubernetes' pod security, and a root that nobody writes.
fn least(manifests: &Manifests, report: &mut Report) {
    for name in ["check", "control"] {
        let context = at(manifests.container(name), "/securityContext");
        for (pointer, right) in [
            ("/runAsNonRoot", json!(true)),
            ("/runAsUser", json!(65532)),
            ("/runAsGroup", json!(65532)),
            ("/privileged", json!(false)),
            ("/allowPrivilegeEscalation", json!(false)),
            ("/readOnlyRootFilesystem", json!(true)),
            ("/capabilities", json!({"drop": ["ALL"]})),
            ("/seccompProfile", json!({"type": "RuntimeDefault"})),
        ] {
            let found = at(context, pointer);
            report.expect(*found == right, format!("{name}: found {pointer} {found}, expected {right}"));
        }
        let limit = at(manifests.container(name), "/resources/limits/memory");
        report.expect(limit.is_string(), format!("{name}: no limit of memory"));
    }
    let images = ["check", "control"].map(|name| text(manifests.container(name), "/image"));
    report.expect(images[0] == images[1], format!("rules are checked by another build than serves them: {images:?}"));
}

/// That what the containers are told to read is there, and that the check judges exactly what is served.
fn mounted(manifests: &Manifests, fetcher: &Fetcher, report: &mut Report) {
    let (check, control) = (manifests.container("check"), manifests.container("control"));
    let rules = argument(control, "--rules").unwrap_or_default();
    let judged = arguments(check).last().copied().unwrap_or_default();
    report.expect(judged == rules, format!("{judged} is checked, and {rules} is served"));
    let same = mount(manifests, check, rules).map(|map| &map["metadata"]["name"])
        == mount(manifests, control, rules).map(|map| &map["metadata"]["name"]);
    report.expect(same, "what is checked is not what is served");
    for (container, path) in [(check, rules), (control, rules), (check, "/allow-list")] {
        let map = mount(manifests, container, path);
        let immutable = map.is_some_and(|map| map["immutable"] == true);
        report.expect(immutable, format!("{path} of {}: no ConfigMap that stays as it was checked", container["name"]));
    }
    let list = argument(check, "--allow-list").and_then(|list| list.strip_prefix("/allow-list/")).unwrap_or_default();
    let listed = mount(manifests, check, "/allow-list").is_some_and(|map| map["data"][list].is_string());
    report.expect(listed, format!("there is no allow-list {list:?}"));
    for container in [check, control] {
        let owned = argument(container, "--owned").unwrap_or_default();
        let owned: BTreeSet<_> = owned.split(',').map(str::to_owned).collect();
        report.expect(owned == fetcher.owned, format!("{}: --owned is not what filters own", container["name"]));
        for mount in items(&container["volumeMounts"]) {
            report.expect(
                mount["readOnly"] == true && mount.get("subPath").is_none(),
                format!("{mount} is not read-only"),
            );
        }
    }
}

/// The ConfigMap that is mounted at `path`.
fn mount<'m>(manifests: &'m Manifests, container: &Value, path: &str) -> Option<&'m Value> {
    let mounts = items(&container["volumeMounts"]);
    let mount = mounts.into_iter().find(|mount| Path::new(text(mount, "/mountPath")) == Path::new(path))?;
    let volumes = items(at(manifests.one("Deployment"), "/spec/template/spec/volumes"));
    let volume = volumes.into_iter().find(|volume| volume["name"] == mount["name"])?;
    manifests.all("ConfigMap").find(|map| map["metadata"]["name"] == volume["configMap"]["name"])
}

fn policies(manifests: &Manifests, fetcher: &Fetcher, report: &mut Report) {
    let mutual = at(manifests.one("PeerAuthentication"), "/spec");
    let strict = mutual["mtls"] == json!({"mode": "STRICT"}) && mutual.get("portLevelMtls").is_none();
    report.expect(strict, "whoever has no certificate of the mesh is let in");
    let policy = at(manifests.one("AuthorizationPolicy"), "/spec");
    report.expect(policy["action"] == "ALLOW", "an AuthorizationPolicy that does not ALLOW leaves the rest allowed");
    let rules = items(&policy["rules"]);
    let paths = ["snapshot", "acks"].map(|what| format!("/v1/namespaces/{}/{what}", fetcher.namespace));
    let right = json!([
        {"operation": {"methods": ["GET"], "paths": [paths[0]]}},
        {"operation": {"methods": ["POST"], "paths": [paths[1]]}},
    ]);
    report.expect(rules.len() == 1 && rules[0]["to"] == right, "other operations are allowed than those of fetchers");
    let callers = callers(manifests);
    report.expect(!callers.is_empty() && !callers.contains(""), format!("not all principals are identities: {policy}"));
    let network = at(manifests.one("NetworkPolicy"), "/spec");
    let types: BTreeSet<_> = items(&network["policyTypes"]).into_iter().filter_map(Value::as_str).collect();
    report
        .expect(types == BTreeSet::from(["Egress", "Ingress"]), format!("the NetworkPolicy is about {types:?} alone"));
    let ingress = items(&network["ingress"]);
    let port = at(manifests.container("control"), "/ports/0/containerPort");
    let from: BTreeSet<_> = items(at(network, "/ingress/0/from/0/namespaceSelector/matchExpressions/0/values"))
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    report.expect(from == callers, format!("{from:?} reach the pod, and {callers:?} are let in"));
    let ports: Vec<_> = ingress.iter().map(|rule| rule["ports"].clone()).collect();
    let right = [port.clone(), json!(15020)].map(|port| json!([{"protocol": "TCP", "port": port}]));
    report.expect(ports == right, format!("the NetworkPolicy opens {ports:?}"));
    let everybody = ingress.iter().any(|rule| items(&rule["from"]).len() != 1);
    report.expect(!everybody, "the NetworkPolicy lets everybody in somewhere");
}

/// The namespaces of the identities that are let in; an empty text among them stands for what is no identity.
pub fn callers(manifests: &Manifests) -> BTreeSet<&str> {
    let principals = items(at(manifests.one("AuthorizationPolicy"), "/spec/rules/0/from/0/source/principals"));
    principals.into_iter().map(|principal| namespace_of(principal.as_str().unwrap_or_default())).collect()
}

fn namespace_of(principal: &str) -> &str {
    match principal.split('/').collect::<Vec<_>>()[..] {
        ["cluster.local", "ns", namespace, "sa", account] if !account.is_empty() && !principal.contains('*') => {
            namespace
        }
        _ => "",
    }
}

/// Several would not number alike, and the budget of one must not block a drain.
fn one_replica(manifests: &Manifests, report: &mut Report) {
    let deployment = at(manifests.one("Deployment"), "/spec");
    report.expect(deployment["replicas"] == 1, "several replicas would number their revisions each in its own way");
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    report.expect(deployment["strategy"] == rolling, "a pod whose rules are refused would take the old one's place");
    let budget = at(manifests.one("PodDisruptionBudget"), "/spec");
    let lets_go = budget["maxUnavailable"] == 1 && budget.get("minAvailable").is_none();
    report.expect(lets_go, "the budget of one replica blocks every drain");
}
