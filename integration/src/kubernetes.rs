//! The manifests of `envoy/istio/control-plane`, as the real kustomize renders them.

pub mod caller;
pub mod container;
pub mod rbac;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::root;

/// Everything that one kustomization renders.
#[derive(Clone, Debug)]
pub struct Manifests(pub Vec<Value>);

impl Manifests {
    /// Renders the kustomization in `directory`.
    ///
    /// # Errors
    /// What kustomize says against it.
    pub fn render(directory: &Path) -> Result<Self, String> {
        let output = Command::new(tool("kubectl")).arg("kustomize").arg(directory).output();
        let output = output.map_err(|why| format!("kubectl: {why}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).map_err(|why| why.to_string())?;
        let parse = |document| serde_saphyr::from_str(document).map_err(|why| format!("{why}:\n{document}"));
        text.split("\n---\n").map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Renders one of those that are shipped: `base` or `example`.
    ///
    /// # Panics
    /// Where kustomize refuses it.
    pub fn shipped(name: &str) -> Self {
        Self::render(&directory().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// The documents of this kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |document| document["kind"] == kind)
    }

    /// The one document of this kind.
    ///
    /// # Panics
    /// Where there is none, or a second.
    pub fn one(&self, kind: &str) -> &Value {
        let all: Vec<_> = self.all(kind).collect();
        let [one] = all[..] else { panic!("expected one {kind}, found {}", all.len()) };
        one
    }

    /// The container called `name` of the Deployment, one that initialises or one that stays.
    ///
    /// # Panics
    /// Where there is none.
    pub fn container(&self, name: &str) -> &Value {
        let pod = &self.one("Deployment")["spec"]["template"]["spec"];
        let containers = ["initContainers", "containers"].into_iter().flat_map(|list| items(&pod[list]));
        containers
            .into_iter()
            .find(|container| container["name"] == name)
            .unwrap_or_else(|| panic!("no container {name}"))
    }

    /// Writes what is mounted at `path` into `container` as files into `directory`, as a volume of the ConfigMap has them.
    ///
    /// # Panics
    /// Where nothing is, or a file cannot be written.
    pub fn mounted(&self, container: &str, path: &str, directory: &Path) {
        let mounts = items(&self.container(container)["volumeMounts"]);
        let mount = mounts.into_iter().find(|mount| mount["mountPath"] == path).expect(path);
        let volumes = items(&self.one("Deployment")["spec"]["template"]["spec"]["volumes"]);
        let volume = volumes.into_iter().find(|volume| volume["name"] == mount["name"]).expect("a volume");
        let map = self.all("ConfigMap").find(|map| map["metadata"]["name"] == volume["configMap"]["name"]);
        for (name, text) in map.expect("a ConfigMap")["data"].as_object().expect("data") {
            std::fs::write(directory.join(name), text.as_str().expect("text")).expect("a file of a ConfigMap");
        }
    }
}

/// Where they are in the tree.
pub fn directory() -> PathBuf {
    root().join("envoy/istio/control-plane")
}

/// A program of `make validators`.
///
/// # Panics
/// Where it was not made.
pub fn tool(name: &str) -> PathBuf {
    let path = root().join(".tools/venv-kubernetes/bin").join(name);
    assert!(path.exists(), "found no {}, expected it to be made before: run `make validators`", path.display());
    path
}

/// The items of a list; none of anything else.
pub fn items(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

/// The arguments of a container.
pub fn arguments(container: &Value) -> Vec<&str> {
    items(&container["args"]).into_iter().map(|argument| argument.as_str().expect("an argument is text")).collect()
}
