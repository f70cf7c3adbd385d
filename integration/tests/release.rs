//! What is released: images that Istio's agent, skopeo and Docker take, checksums, bills of materials, the same bytes twice.

#[path = "release/agent.rs"]
mod agent;
#[path = "release/packed.rs"]
mod packed;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    sync::LazyLock,
};

use graylane_integration::{
    Mesh, Request, artefact,
    registry::{Image, Registry, digest},
    root, samples,
};
use serde_json::{Value, json};

use packed::{CONTROL, LAYOUTS, Packed};

static RELEASE: LazyLock<Packed> = LazyLock::new(Packed::new);

fn shipped() -> Vec<u8> {
    fs::read(artefact("dist/graylane.wasm")).expect("dist/graylane.wasm")
}

/// A registry in which each of the release's images has its file's name as its tag.
fn registry(release: &Packed) -> Registry {
    let filters = LAYOUTS.map(|file| (format!("graylane/filter:{}", tag(file)), release.image(file)));
    let control = (format!("graylane/control:{}", tag(CONTROL)), release.image(CONTROL));
    Registry::start(filters.into_iter().chain([control]).collect())
}

fn tag(file: &str) -> &str {
    file.trim_end_matches(".tar")
}

// ---- the filter's image

#[test]
fn istios_agent_takes_the_module_from_each_layout() {
    let registry = registry(&RELEASE);
    let digests = RELEASE.digests();
    for file in LAYOUTS {
        let fetched = agent::fetch(registry.address(), "graylane/filter", tag(file)).expect(file);
        assert!(fetched.wasm == shipped(), "{file}: found another module of {} bytes", fetched.wasm.len());
        assert_eq!(fetched.digest, digests[file], "{file}: WasmPlugin's sha256");
    }
    assert_eq!(digests[CONTROL], RELEASE.image(CONTROL).digest());
}

#[test]
fn the_module_from_an_image_decides_requests() {
    let registry = registry(&RELEASE);
    let fetched = agent::fetch(registry.address(), "graylane/filter", tag(LAYOUTS[0])).expect("a module");
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let file = scratch.path().join("fetched.wasm");
    fs::write(&file, fetched.wasm).expect("a written module");
    let rules = samples::header_to_canary("gray");
    let mesh = Mesh::new("release").wasm(&file.to_string_lossy()).rules(&rules).start();
    let upstream = |env| mesh.send(&Request::get("/checkout").header("x-env", env)).seen().upstream;
    assert_eq!([upstream("gray"), upstream("other")], ["canary", "stable"]);
}

/// What the agent says of the image in `file` once it was changed.
fn refusal(file: &str, change: impl FnOnce(&mut Image)) -> String {
    let mut image = RELEASE.image(file);
    change(&mut image);
    let registry = Registry::start(BTreeMap::from([("graylane/filter:changed".to_owned(), image)]));
    agent::fetch(registry.address(), "graylane/filter", "changed").expect_err("a refusal")
}

/// Changes the last layer's descriptor, or the whole list of layers.
fn with_layers(image: &mut Image, change: impl FnOnce(&mut Vec<Value>)) {
    let mut manifest = image.manifest();
    change(manifest["layers"].as_array_mut().expect("layers"));
    image.set_manifest(&manifest);
}

#[test]
fn the_agent_refuses_what_other_tools_would_make() {
    let [docker, oci, artifact] = LAYOUTS;
    let zstd = |layers: &mut Vec<Value>| {
        let media_type = layers[0]["mediaType"].as_str().expect("a media type").replace("gzip", "zstd");
        layers[0]["mediaType"] = json!(media_type);
    };
    let why = refusal(docker, |image| with_layers(image, zstd));
    assert!(why.contains("invalid media type \"application/vnd.docker.image.rootfs.diff.tar.zstd\""), "{why}");
    let why = refusal(oci, |image| with_layers(image, zstd));
    assert!(why.contains("invalid media type \"application/vnd.oci.image.layer.v1.tar+zstd\""), "{why}");
    assert!(why.contains("number of layers must be 2 but got 1"), "{why}");

    let why = refusal(artifact, |image| with_layers(image, |layers| drop(layers.remove(0))));
    assert!(why.contains("number of layers must be 2 but got 1"), "{why}");
    let twice = |layers: &mut Vec<Value>| layers[1] = layers[0].clone();
    let why = refusal(artifact, |image| with_layers(image, twice));
    assert!(why.contains("could not find the layer of type application/vnd.module.wasm.content"), "{why}");
}

#[test]
fn the_agent_refuses_an_image_without_the_module_or_with_other_bytes() {
    for file in &LAYOUTS[..2] {
        let why = refusal(file, |image| {
            let (named, size) = image.add(compressed(&tar_of("graylane.wasm", &shipped())));
            with_layers(image, |layers| {
                layers[0]["digest"] = json!(named);
                layers[0]["size"] = json!(size);
            });
        });
        assert!(why.contains("plugin.wasm not found in the archive"), "{file}: {why}");
    }
    for file in LAYOUTS {
        let why = refusal(file, |image| {
            let layers = image.manifest()["layers"].clone();
            let named = layers.as_array().and_then(|layers| layers.last()).expect("a layer")["digest"].clone();
            image.forge(named.as_str().expect("a digest"), b"\0asm\x01\0\0\0".to_vec());
        });
        assert!(why.contains("error verifying sha256 checksum"), "{file}: {why}");
    }
}

fn tar_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, bytes).expect("an entry");
    builder.into_inner().expect("an archive")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

// ---- clients of others

#[test]
fn skopeo_pulls_every_image_by_its_digest() {
    if let Err(why) = Command::new("skopeo").arg("--version").output() {
        return eprintln!("\n**** SKIPPED, nothing was pulled: skopeo does not run ({why}); Debian has it ****\n");
    }
    let (registry, scratch) = (registry(&RELEASE), tempfile::tempdir().expect("a temporary directory"));
    for (file, named) in RELEASE.digests() {
        let repository = if file == CONTROL { "graylane/control" } else { "graylane/filter" };
        let from = format!("docker://{}/{repository}@{named}", registry.address());
        let into = scratch.path().join(&file);
        let arguments = ["copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false", &from];
        run(Command::new("skopeo").args(arguments).arg(format!("dir:{}", into.display())));
        let manifest = fs::read(into.join("manifest.json")).expect("a manifest");
        assert_eq!(digest(&manifest), named, "{file}");
    }
}

#[test]
#[ignore = "needs a Docker engine and a static binary: `make test-compose` has both made"]
fn docker_pulls_loads_and_runs_the_images() {
    let version = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    if !version.is_ok_and(|version| version.status.success()) {
        return eprintln!("\n**** SKIPPED, nothing was pulled or loaded: no Docker engine answers ****\n");
    }
    let release = Packed::with("dist/graylane");
    // A pull is by address, and so does not take the place of anybody's image.
    let registry = registry(&release);
    for file in [LAYOUTS[0], LAYOUTS[1]] {
        let name = format!("{}/graylane/filter:{}", registry.address(), tag(file));
        docker(&["pull", "-q", &name]);
        assert!(of_container(&name, "plugin.wasm") == shipped(), "{file}: found another module");
        docker(&["rmi", &name]);
    }
    let name = format!("{}/graylane/control:{}", registry.address(), tag(CONTROL));
    docker(&["pull", "-q", &name]);
    let hardened = ["run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none", &name, "--version"];
    let said = docker(&hardened);
    assert!(said.starts_with("graylane "), "{said}");
    assert_eq!(
        docker(&["inspect", "--format", "{{.Config.User}} {{.Config.Entrypoint}}", &name]),
        "65532:65532 [/graylane]"
    );
    docker(&["rmi", &name]);

    let file = release.path(LAYOUTS[0]);
    let loaded = docker(&["load", "-q", "-i", &file.to_string_lossy()]);
    let name = loaded.strip_prefix("Loaded image: ").unwrap_or_else(|| panic!("found {loaded}"));
    assert!(of_container(name, "plugin.wasm") == shipped(), "found another module in {name}");
    docker(&["rmi", name]);
}

fn docker(arguments: &[&str]) -> String {
    run(Command::new("docker").args(arguments)).trim().to_owned()
}

/// A file of an image.
fn of_container(image: &str, path: &str) -> Vec<u8> {
    let container = docker(&["create", image, "nothing is run"]);
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let into = scratch.path().join("file");
    docker(&["cp", &format!("{container}:/{path}"), &into.to_string_lossy()]);
    docker(&["rm", &container]);
    fs::read(into).expect("a copied file")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

// ---- the rest of the release

#[test]
fn checksums_hold_and_a_changed_byte_is_found() {
    let release = Packed::new();
    let check = |directory: &Path| {
        let output = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(directory).output();
        let output = output.expect("sha256sum");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    assert_eq!(check(release.directory()), (true, String::new()));
    let named: BTreeSet<_> =
        release.text("SHA256SUMS").lines().map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect();
    let there = fs::read_dir(release.directory()).expect("a directory");
    let there = there.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    assert_eq!(named, there.filter(|name| name != "SHA256SUMS").collect::<BTreeSet<_>>());

    let mut wasm = release.file("graylane.wasm");
    let middle = wasm.len() / 2;
    wasm[middle] ^= 1;
    fs::write(release.path("graylane.wasm"), wasm).expect("a changed module");
    assert_eq!(check(release.directory()), (false, "graylane.wasm: FAILED\n".to_owned()));
}

#[test]
fn the_same_files_are_packed_into_the_same_release() {
    assert_eq!(RELEASE.text("SHA256SUMS"), Packed::new().text("SHA256SUMS"));
}

/// What [`make dist-verify`] proves of all by building twice is lost first here: by a path of whoever built it.
#[test]
fn the_module_names_no_place_of_this_machine() {
    let wasm = shipped();
    let finds = |text: &str| wasm.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(finds("/rustc/"), "panics name the places of the standard library, expected them found");
    let home = std::env::var("HOME").expect("HOME");
    for place in [root().to_str().expect("a path"), home.as_str(), ".cargo/registry", ".rustup"] {
        assert!(place.len() < 3 || !finds(place), "found {place} in dist/graylane.wasm");
    }
}

#[test]
fn bills_of_materials_name_what_is_linked_as_it_was_checked() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let names = |file: &str| {
        let bill: Value = serde_json::from_slice(&RELEASE.file(file)).expect("JSON");
        let artefact = file.trim_end_matches(".cdx.json");
        let hash = bill["metadata"]["component"]["hashes"][0]["content"].as_str().expect("a hash");
        assert_eq!(format!("sha256:{hash}"), digest(&RELEASE.file(artefact)));
        let components = bill["components"].as_array().expect("components").clone();
        for component in &components {
            let text = |field: &str| component[field].as_str().unwrap_or_default().to_owned();
            assert!(!text("version").is_empty() && !component["licenses"][0]["expression"].is_null(), "{component}");
            if let Some(hash) = component["hashes"][0]["content"].as_str() {
                let locked = format!("name = \"{}\"\nversion = \"{}\"\n", text("name"), text("version"));
                let entry = lock.split("[[package]]").find(|entry| entry.contains(&locked));
                assert!(entry.is_some_and(|entry| entry.contains(hash)), "{component} is not locked so");
            }
        }
        components.iter().map(|component| component["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let module = names("graylane.wasm.cdx.json");
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let binary = names(&format!("graylane-linux-{architecture}.cdx.json"));
    for both in ["graylane-rules", "ed25519-dalek", "rust-std"] {
        assert!(module.contains(both) && binary.contains(both), "found no {both}");
    }
    // The control plane's alone; and what only builds, or tests, is linked into nothing.
    assert!(binary.contains("axum") && !module.contains("axum"));
    for none in ["serde_derive", "proptest", "rcgen", "windows-sys"] {
        assert!(!module.contains(none) && !binary.contains(none), "found {none}");
    }
    let notices = RELEASE.text("third-party.txt");
    for name in module.union(&binary).filter(|name| !name.starts_with("graylane") && *name != "rust-std") {
        assert!(notices.contains(&format!("  {name} ")), "found no notice of {name}");
    }
}
