//! The containers of the control plane's Deployment, run by a Docker engine with exactly what their securityContext leaves them.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use graylane_integration::{
    Echo, Envoy, Request, Settings, Status, Wire, artefact, eventually,
    kubernetes::{
        Manifests,
        caller::{self, cluster},
        container,
    },
};
use tempfile::TempDir;

const CLUSTER: &str = "outbound|8460||graylane-control.graylane.svc.cluster.local";

#[test]
#[ignore = "needs a Docker engine and the images: `make test-compose` has both made"]
fn the_init_container_judges_and_the_container_serves_with_the_least_rights() {
    if let Err(why) = docker(&["version", "--format", "{{.Server.Version}}"]) {
        return eprintln!("\n**** SKIPPED, nothing was tested: no Docker engine answers: {} ****\n", why.1);
    }
    let manifests = Manifests::shipped("base");
    let pod = Pod::new(&manifests);
    assert_eq!(pod.check(), Ok(()), "the shipped rules");
    let sound = fs::read_to_string(pod.file("rules/checkout.yaml")).unwrap();
    for (from, to, code, said) in [
        ("feature_login: {type", "enable_tracing: {type", 126, "gate-denied spec.switches.enable_tracing"),
        ("feature_login: {type", "feature_logon: {type", 126, "gate-unlisted spec.switches.feature_logon"),
        ("default: stable", "default: gone", 1, "unknown-variant spec.default"),
    ] {
        fs::write(pod.file("rules/checkout.yaml"), sound.replacen(from, to, 1)).unwrap();
        let (found, words) = pod.check().unwrap_err();
        assert!(found == code && words.contains(said), "{to}: exit code {found}: {words}");
    }
    fs::write(pod.file("rules/checkout.yaml"), &sound).unwrap();

    let serving = pod.serve(&manifests, &[]);
    let (stable, canary) = (Echo::start("stable", "127.0.0.1:0"), Echo::start("canary", "127.0.0.1:0"));
    let control = cluster(CLUSTER, serving.address, None);
    let caller = caller::caller("frontend", control, stable.address(), canary.address());
    let file = pod.file("envoy.json");
    fs::write(&file, caller.to_string()).unwrap();
    let envoy = Envoy::start(&file, pod.directory.path(), &Settings { workers: 1, into_files: false });
    // The worker's, and the main thread's.
    eventually("every VM to run what the container published", || serving.status()?.on_it(2));
    let tester = Request::get("/").header("x-env", "gray");
    let answer = Wire::open(envoy.address()).and_then(|mut wire| wire.exchange(&tester)).unwrap();
    assert_eq!(answer.seen().upstream, "canary");
    assert_eq!(serving.stop(), "0", "the exit code after SIGTERM");
}

#[test]
#[ignore = "needs a Docker engine, the images and root: `make test-compose`"]
fn the_signed_overlay_reads_keys_that_belong_to_root_and_its_group() {
    if let Err(why) = docker(&["version", "--format", "{{.Server.Version}}"]) {
        return eprintln!("\n**** SKIPPED, nothing was tested: no Docker engine answers: {} ****\n", why.1);
    }
    let manifests = Manifests::shipped("example");
    let pod = Pod::new(&manifests);
    let keys = pod.file("keys");
    let mut new = Command::new(artefact("target/debug/graylane"));
    assert!(new.args(["keys", "new", "release-1", "--out"]).arg(&keys).status().unwrap().success());
    // As the kubelet has a Secret with defaultMode 0440 and fsGroup 65532.
    let key = keys.join("release-1.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).unwrap();
    if let Err(why) = chown(&key, Some(0), Some(65532)) {
        return eprintln!("\n**** SKIPPED, nothing was tested: a file cannot be given to a group: {why} ****\n");
    }
    let serving = pod.serve(&manifests, &[("/keys", &keys)]);
    assert_eq!(serving.status().unwrap().signed_by, ["release-1"]);
}

/// What is mounted into the containers of a pod.
struct Pod {
    check: Vec<String>,
    directory: TempDir,
}

impl Pod {
    fn new(manifests: &Manifests) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The containers' user is not ours.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["rules", "allow-list", "keys"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let [rules, list] = ["rules", "allow-list"].map(|name| directory.path().join(name));
        manifests.mounted("check", "/rules", &rules);
        manifests.mounted("check", "/allow-list", &list);
        let mounts = [("/rules", rules.as_path()), ("/allow-list", &list)];
        Self { check: options(manifests, "check", &mounts), directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs the init container; its exit code and words where that is not 0.
    fn check(&self) -> Result<(), (i32, String)> {
        let words: Vec<_> = self.check.iter().map(String::as_str).collect();
        docker(&[&["run", "--rm", "--network=none"], &words[..]].concat()).map(drop)
    }

    /// Starts the container that stays; gives it once it is ready.
    fn serve(&self, manifests: &Manifests, more: &[(&str, &Path)]) -> Serving {
        let rules = self.file("rules");
        let mounts = [&[("/rules", rules.as_path())], more].concat();
        let options = options(manifests, "control", &mounts);
        let words: Vec<_> = options.iter().map(String::as_str).collect();
        let id = docker(&[&["run", "--detach", "--publish=127.0.0.1::8460"], &words[..]].concat());
        let id = id.unwrap_or_else(|(code, why)| panic!("exit code {code}: {why}"));
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut serving = Serving { id, address: unknown };
        let published = docker(&["port", &serving.id, "8460"]).unwrap();
        serving.address = published.lines().next().unwrap().parse().unwrap();
        eventually("the container to be ready", || match serving.get("/readyz")?.0 {
            200 => Ok(()),
            found => Err(format!("found {found}")),
        });
        serving
    }
}

/// `docker run`'s, with the image that this machine made in place of the one that the manifests name.
fn options(manifests: &Manifests, name: &str, mounts: &[(&str, &Path)]) -> Vec<String> {
    let container = manifests.container(name);
    let options = container::options(container, mounts).unwrap();
    let image = format!("graylane/control:{}", env!("CARGO_PKG_VERSION"));
    options.into_iter().map(|word| if container["image"] == word { image.clone() } else { word }).collect()
}

/// A running container, which goes with its owner.
struct Serving {
    id: String,
    address: SocketAddr,
}

impl Serving {
    fn get(&self, path: &str) -> Result<(u16, Vec<u8>), String> {
        let answer = Wire::open(self.address).and_then(|mut wire| wire.exchange(&Request::get(path)));
        answer.map(|answer| (answer.status, answer.body)).map_err(|why| why.to_string())
    }

    fn status(&self) -> Result<Status, String> {
        serde_json::from_slice(&self.get("/v1/namespaces/default/status")?.1).map_err(|why| why.to_string())
    }

    /// Has it end; gives its exit code.
    fn stop(&self) -> String {
        docker(&["stop", "--time=15", &self.id]).unwrap();
        docker(&["inspect", "--format={{.State.ExitCode}}", &self.id]).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the container\n{:?}", docker(&["logs", &self.id]));
        }
        if let Err(why) = docker(&["rm", "--force", &self.id]) {
            eprintln!("the container {} is left behind: {why:?}", self.id);
        }
    }
}

/// What the engine says; or else the exit code and everything that was said.
fn docker(words: &[&str]) -> Result<String, (i32, String)> {
    let output = Command::new("docker").args(words).output().map_err(|why| (-1, why.to_string()))?;
    let Output { status, stdout, stderr } = output;
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    if status.success() { Ok(stdout) } else { Err((status.code().unwrap_or(-1), format!("{stdout}\n{stderr}"))) }
}
