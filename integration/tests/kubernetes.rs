//! The control plane's manifests: kustomize renders them, the schemas of Kubernetes and Istio take them, they fit each other and the
//! fetchers, and altered copies do not.
//!
//! What their policies do is executed in `authorization.rs`, and the containers in `kubernetes_container.rs`.

#[path = "kubernetes/fits.rs"]
mod fits;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use fits::{Fetcher, callers, problems};
use graylane_integration::{
    artefact,
    kubernetes::{Manifests, arguments, directory, items, tool},
    root,
};
use serde_json::{Value, json};

#[test]
fn what_is_shipped_fits() {
    for name in ["base", "example"] {
        let found = problems(&Manifests::shipped(name), &fetcher());
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn the_base_lets_in_whom_the_filters_select() {
    let selected: BTreeSet<_> = ["sidecar.yaml", "gateway.yaml"]
        .map(|file| istio(file)["metadata"]["namespace"].as_str().expect("a namespace").to_owned())
        .into();
    let base = Manifests::shipped("base");
    assert_eq!(callers(&base), selected.iter().map(String::as_str).collect());
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(base.container("control")["image"], format!("graylane/control:{version}"));
}

#[test]
fn every_file_is_used() {
    let base = fs::read_to_string(directory().join("base/kustomization.yaml")).unwrap();
    let used: Value = serde_saphyr::from_str(&base).unwrap();
    let used: BTreeSet<_> = items(&used["resources"]).into_iter().filter_map(Value::as_str).collect();
    let files = fs::read_dir(directory().join("base")).unwrap().map(|entry| entry.unwrap().file_name());
    let files: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
    let others = ["allow-list.yaml", "kustomization.yaml", "rules"];
    assert_eq!(used.into_iter().chain(others).map(str::to_owned).collect::<BTreeSet<_>>(), files);
}

/// A file of the directory, what of it is replaced by what, and what is then said. Every file is among them.
const ALTERED: &[(&str, &str, &str, &str)] = &[
    ("base/kustomization.yaml", "- service.yaml", "- services.yaml", "services.yaml"),
    (
        "base/kustomization.yaml",
        "namespace: graylane",
        "namespace: gray",
        "fetchers ask outbound|8460||graylane-control.graylane",
    ),
    ("base/kustomization.yaml", "immutable: true", "immutable: false", "no ConfigMap that stays as it was checked"),
    (
        "base/kustomization.yaml",
        "name: graylane-rules",
        "name: rules",
        "/rules of \"control\": no ConfigMap that stays",
    ),
    ("base/namespace.yaml", "istio-injection: enabled", "team: web", "gets no sidecar"),
    ("base/service-account.yaml", "name: graylane-control", "name: control", "no ServiceAccount"),
    ("base/deployment.yaml", "replicas: 1", "replicas: 2", "several replicas"),
    ("base/deployment.yaml", "maxUnavailable: 0", "maxUnavailable: 1", "take the old one's place"),
    ("base/deployment.yaml", "name: http, containerPort", "name: web, containerPort", "leads to no port"),
    ("base/deployment.yaml", "0.0.0.0:8460", "0.0.0.0:8461", "listens on another port"),
    ("base/deployment.yaml", "path: /readyz", "path: /ready", "readinessProbe asks"),
    (
        "base/deployment.yaml",
        "{name: rules, mountPath: /rules, readOnly: true} # the",
        "{name: allow-list, mountPath: /rules, readOnly: true} # the",
        "what is checked is not what is served",
    ),
    ("base/deployment.yaml", "port: \"8460\"", "port: \"80\"", "Prometheus is sent to"),
    ("base/deployment.yaml", "runAsUser: 65532", "runAsUser: 0", "check: found /runAsUser 0"),
    ("base/deployment.yaml", "drop: [ALL]", "drop: [NET_RAW]", "control: found /capabilities"),
    (
        "base/deployment.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "found /readOnlyRootFilesystem",
    ),
    (
        "base/deployment.yaml",
        "automountServiceAccountToken: false",
        "automountServiceAccountToken: true",
        "gets a token",
    ),
    ("base/deployment.yaml", "- --rules=/rules", "- --rules=/etc/rules", "/rules is checked, and /etc/rules is served"),
    ("base/deployment.yaml", "/allow-list/allow-list.yaml", "/allow-list/list.yaml", "there is no allow-list"),
    ("base/deployment.yaml", "x-gray-experiment,", "", "--owned is not what filters own"),
    (
        "base/deployment.yaml",
        "labels: {app: graylane-control}\n      ann",
        "labels: {app: control}\n      ann",
        "Service does not select",
    ),
    ("base/service.yaml", "port: 8460,", "port: 80,", "the Service is outbound|80||"),
    ("base/service.yaml", "name: http,", "name: tcp,", "not named http"),
    ("base/service.yaml", "selector: {app: graylane-control}", "selector: {app: control}", "Service does not select"),
    ("base/pod-disruption-budget.yaml", "maxUnavailable: 1", "minAvailable: 1", "blocks every drain"),
    ("base/peer-authentication.yaml", "STRICT", "PERMISSIVE", "no certificate of the mesh is let in"),
    ("base/authorization-policy.yaml", "action: ALLOW", "action: AUDIT", "leaves the rest allowed"),
    ("base/authorization-policy.yaml", "default/acks", "default/status", "other operations"),
    ("base/authorization-policy.yaml", "ns/shop/sa/frontend", "ns/*/sa/frontend", "not all principals are identities"),
    ("base/authorization-policy.yaml", "ns/shop/", "ns/web/", "\"shop\"} reach the pod"),
    ("base/network-policy.yaml", "values: [shop, ", "values: [web, shop, ", "reach the pod"),
    ("base/network-policy.yaml", "port: 8460", "port: 15006", "the NetworkPolicy opens"),
    ("base/network-policy.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Egress]", "about {\"Egress\"} alone"),
    ("base/allow-list.yaml", "feature_login:", "feature_logout:", "exit code 126"),
    ("base/allow-list.yaml", "mode: audit", "mode: maybe", "exit code 1"),
    ("base/rules/checkout.yaml", "default: stable", "default: gone", "exit code 1"),
    ("base/rules/checkout.yaml", "feature_login: {type", "enable_tracing: {type", "exit code 126"),
    ("signed/kustomization.yaml", "containers/0/args/-", "containers/1/args/-", "1"),
    ("signed/deployment.yaml", "defaultMode: 0440", "defaultMode: 0444", "keys are not for their group alone"),
    ("example/kustomization.yaml", "value: [web, mobile]", "value: [web]", "reach the pod"),
    ("example/kustomization.yaml", "[../signed]", "[]", "nothing is signed"),
    ("example/allow-list.yaml", "risk: medium}", "risk: high}", "exit code 126"),
    ("example/rules/search.yaml", "canary: 10", "canary: 20", "exit code 1"),
    ("example/rules/search.lock.yaml", "from: 90000", "from: 95000", "exit code 1"),
];

#[test]
fn altered_copies_do_not_fit() {
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, (file, from, to, said)) in ALTERED.iter().enumerate() {
        let copy = scratch.path().join(number.to_string());
        copy_tree(&directory(), &copy);
        let text = fs::read_to_string(copy.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from:?} any more");
        fs::write(copy.join(file), text.replacen(from, to, 1)).unwrap();
        // The component is part of the example.
        let rendered = if file.starts_with("base/") { "base" } else { "example" };
        let found = all_problems(&copy.join(rendered), rendered == "example");
        if !found.iter().any(|problem| problem.contains(said)) {
            wrong.push(format!("{file}, {from:?} as {to:?}: expected {said:?}, found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let altered: BTreeSet<_> = ALTERED.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(altered, files(&directory(), ""), "a file that no altered copy is about");
}

/// What kustomize says, what does not fit, and what the init container says.
fn all_problems(kustomization: &Path, signed: bool) -> Vec<String> {
    let manifests = match Manifests::render(kustomization) {
        Ok(manifests) => manifests,
        Err(why) => return vec![why],
    };
    let mut found = problems(&manifests, &fetcher());
    if signed {
        found.extend(unsigned(&manifests));
    }
    if found.is_empty() {
        found.extend(checked(&manifests));
    }
    found
}

/// That the component has the keys read, by the group that the files have.
fn unsigned(manifests: &Manifests) -> Vec<String> {
    let pod = &manifests.one("Deployment")["spec"]["template"]["spec"];
    let told = arguments(manifests.container("control")).contains(&"--signing-key=/keys");
    let volume = items(&pod["volumes"]).into_iter().find(|volume| volume["name"] == "keys");
    let mut found = Vec::new();
    if !told || volume.is_none() {
        found.push("nothing is signed".to_owned());
    }
    let mode = volume.map(|volume| volume["secret"]["defaultMode"].clone());
    if mode != Some(json!(0o440)) || pod["securityContext"]["fsGroup"] != 65532 {
        found.push(format!("keys are not for their group alone: {mode:?}"));
    }
    found
}

/// Runs the init container's command line on what is mounted for it.
fn checked(manifests: &Manifests) -> Option<String> {
    let scratch = tempfile::tempdir().unwrap();
    let check = manifests.container("check");
    let mut words: Vec<_> = arguments(check).into_iter().map(str::to_owned).collect();
    for (path, name) in [("/rules", "rules"), ("/allow-list", "allow-list")] {
        let here = scratch.path().join(name);
        fs::create_dir(&here).unwrap();
        manifests.mounted("check", path, &here);
        let here = here.to_str().unwrap();
        for word in &mut words {
            let (option, value) = word.split_once('=').map_or(("", word.as_str()), |(option, value)| (option, value));
            if let Some(rest) = value.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                let equals = if option.is_empty() { "" } else { "=" };
                *word = format!("{option}{equals}{here}{rest}");
            }
        }
    }
    let output = Command::new(artefact("target/debug/graylane")).args(&words).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (!status.success()).then(|| format!("exit code {}: {said}", status.code().unwrap_or(-1)))
}

#[test]
fn the_init_container_lets_the_shipped_rules_in() {
    for name in ["base", "example"] {
        assert_eq!(checked(&Manifests::shipped(name)), None, "{name}");
    }
}

/// A kind, a place in the document, what to put there, and what the schema says.
const MISTYPED: &[(&str, &str, &str, &str)] = &[
    ("Namespace", "/metadata/label", "{}", "'label' was unexpected"),
    ("ServiceAccount", "/automountServiceAccountToken", "\"false\"", "is not of type 'boolean'"),
    ("ConfigMap", "/immutable", "\"true\"", "is not of type 'boolean'"),
    ("Deployment", "/spec/replicas", "\"1\"", "is not of type 'integer'"),
    ("Deployment", "/spec/template/spec/containers/0/securityContext/readOnlyRootFileSystem", "true", "was unexpected"),
    ("Deployment", "/spec/template/spec/initContainers/0/volumeMount", "[]", "was unexpected"),
    ("Service", "/spec/ports/0/port", "\"http\"", "is not of type 'integer'"),
    ("PodDisruptionBudget", "/spec/maxUnavailible", "1", "was unexpected"),
    ("NetworkPolicy", "/spec/ingress/0/form", "[]", "was unexpected"),
    ("PeerAuthentication", "/spec/mtls/mode", "\"STRIKT\"", "'PERMISSIVE' or 'STRICT'"),
    ("PeerAuthentication", "/spec/selectr", "{}", "selectr: unknown field"),
    ("AuthorizationPolicy", "/spec/action", "\"PERMIT\"", "'ALLOW', 'DENY'"),
    ("AuthorizationPolicy", "/spec/rules/0/from/0/source/principal", "[]", "principal: unknown field"),
];

#[test]
fn the_schemas_of_kubernetes_and_istio_take_what_is_shipped_and_nothing_mistyped() {
    let (base, example) = (Manifests::shipped("base"), Manifests::shipped("example"));
    let mut cases = vec![base.0.clone(), example.0];
    for (kind, pointer, value, _) in MISTYPED {
        let mut document = base.all(kind).next().unwrap().clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = serde_json::from_str(value).unwrap();
        cases.push(vec![document]);
    }
    let complaints = complaints(&cases);
    assert_eq!(complaints[..2], [Vec::<String>::new(), Vec::new()]);
    for ((kind, pointer, _, said), found) in MISTYPED.iter().zip(&complaints[2..]) {
        assert!(found.iter().any(|complaint| complaint.contains(said)), "{kind} {pointer}: {found:?}");
    }
    // Each kind is one that the schemas know, and has a mistyped copy.
    let kinds =
        |documents: &[Value]| documents.iter().map(|document| document["kind"].to_string()).collect::<BTreeSet<_>>();
    assert_eq!(kinds(&base.0), kinds(&cases[2..].concat()));
}

/// What `kubernetes/schemas.py` says of each case.
fn complaints(cases: &[Vec<Value>]) -> Vec<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/schemas.py");
    let mut python = Command::new(tool("python"));
    let python = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(cases).unwrap()).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

// ---- the files beside them

fn istio(file: &str) -> Value {
    let text = fs::read_to_string(root().join("envoy/istio").join(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn fetcher() -> Fetcher {
    let bootstrap = istio("bootstrap.yaml");
    let bootstrap = bootstrap["data"]["custom_bootstrap.json"].as_str().unwrap();
    let bootstrap: Value = serde_saphyr::from_str(bootstrap).unwrap();
    let config = configuration(&bootstrap["bootstrap_extensions"][0]["typed_config"]["config"]);
    let filter = istio("sidecar.yaml");
    let filter = configuration(&filter["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]["config"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Fetcher {
        namespace: text(&config["namespace"]),
        cluster: text(&config["control"][0]["cluster"]),
        authority: text(&config["control"][0]["authority"]),
        owned: items(&filter["ownedHeaders"]).into_iter().map(text).collect(),
    }
}

fn configuration(plugin: &Value) -> Value {
    serde_json::from_str(plugin["configuration"]["value"].as_str().unwrap()).unwrap()
}

fn copy_tree(from: &Path, to: &Path) {
    for file in files(from, "") {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}

/// Every file below `directory`, as a path from there behind `prefix`.
fn files(directory: &Path, prefix: &str) -> BTreeSet<String> {
    let below = |entry: fs::DirEntry| {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        match entry.path().is_dir() {
            true => files(&entry.path(), &format!("{name}/")),
            false => BTreeSet::from([name]),
        }
    };
    fs::read_dir(directory).unwrap().flat_map(|entry| below(entry.unwrap())).collect()
}
