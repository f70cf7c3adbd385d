//! Where the things under test are, and what to type when they are missing.

use std::path::{Path, PathBuf};

/// The root of the repository: Envoy and everything else run with it as their working directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate has a directory above it")
}

/// The file at `relative` to the root.
///
/// # Panics
/// Where it is missing, with the command that makes it.
pub fn path(relative: &str) -> PathBuf {
    let path = root().join(relative);
    assert!(path.is_file(), "found no {relative}, expected it to be built before: run `make tools build`");
    path
}

/// The control plane's binary: a `build` for tests, or what `GRAYLANE_BIN` names, such as one that is released, or the one of
/// every day.
///
/// # Panics
/// Where it is missing.
pub(crate) fn graylane(build: Option<&str>) -> PathBuf {
    let chosen = std::env::var_os("GRAYLANE_BIN").map(PathBuf::from);
    match (build, chosen) {
        (Some(build), _) => path(&format!("dist/graylane-{build}")),
        (None, Some(chosen)) => {
            assert!(chosen.is_file(), "found no file {}, expected GRAYLANE_BIN to name a binary", chosen.display());
            chosen
        }
        (None, None) => path("target/debug/graylane"),
    }
}

/// The filter as a `build` for tests, such as `hooks` or `next`; or the file of an absolute path.
pub(crate) fn wasm(build: &str) -> PathBuf {
    if build.starts_with('/') {
        return PathBuf::from(build);
    }
    path(&format!("dist/graylane-{build}.wasm"))
}

/// The program `name`: what the environment has as `chosen`, else the one on PATH, else what `tools/` put into the tree.
pub(crate) fn program(name: &str, chosen: &str) -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os(chosen) {
        return Some(PathBuf::from(chosen));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let kept = root().join(".tools").join(name);
    std::env::split_paths(&path).chain([kept]).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Envoy: what `ENVOY_BIN` names, else what `make tools` put into the tree.
///
/// # Panics
/// Where there is none.
pub fn envoy() -> PathBuf {
    if let Some(chosen) = std::env::var_os("ENVOY_BIN") {
        let chosen = PathBuf::from(chosen);
        assert!(chosen.is_file(), "found no file {}, expected ENVOY_BIN to name an Envoy", chosen.display());
        return chosen;
    }
    let libraries = root().join(".tools/venv/lib");
    let versions = std::fs::read_dir(&libraries).into_iter().flatten().filter_map(Result::ok);
    let found =
        versions.map(|version| version.path().join("site-packages/envoy/_bin/envoy")).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("found no Envoy under {}, expected it there: run `make tools`", libraries.display()))
}
