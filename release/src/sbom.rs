//! A bill of materials: CycloneDX 1.6, JSON. Without a serial number and a time, both of which it may leave out: so it is the
//! same each time, and its checksum says something.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    digest,
    linked::{Crate, Linked},
};

/// The compiler brings its library, and that what it was built from: `rust-standard-library.html` names it.
const STANDARD_LIBRARY: &str = "MIT OR Apache-2.0";

/// What `artefact`, whose bytes these are, consists of, with the library of the compiler of this version.
pub(crate) fn of(artefact: &str, bytes: &[u8], linked: &Linked, compiler: &str) -> Result<Vec<u8>> {
    let root = linked.crates.get(&linked.root).context("what is built is among what is linked")?;
    let reference = format!("pkg:generic/rust-std@{compiler}");
    let mut components: Vec<Value> =
        linked.crates.iter().filter(|(purl, _)| **purl != linked.root).map(|(_, known)| component(known)).collect();
    components.push(standard_library(&reference, compiler));
    let dependencies: Vec<Value> = linked
        .needs
        .iter()
        .map(|(purl, needs)| json!({"ref": purl, "dependsOn": needs.iter().chain([&reference]).collect::<Vec<_>>()}))
        .chain([json!({"ref": reference})])
        .collect();
    let about = json!({
        "type": "application",
        "bom-ref": linked.root,
        "name": artefact,
        "version": root.version,
        "purl": linked.root,
        "licenses": [{"expression": root.licence}],
        "hashes": [{"alg": "SHA-256", "content": digest::hex(bytes)}],
    });
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": components,
        "dependencies": dependencies,
    });
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

fn component(known: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": known.purl(),
        "name": known.name,
        "version": known.version,
        "purl": known.purl(),
        "licenses": [{"expression": known.licence}],
    });
    if let (Some(checksum), Some(fields)) = (&known.checksum, component.as_object_mut()) {
        fields.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
    }
    component
}

fn standard_library(reference: &str, compiler: &str) -> Value {
    json!({
        "type": "library",
        "bom-ref": reference,
        "name": "rust-std",
        "version": compiler,
        "purl": reference,
        "licenses": [{"expression": STANDARD_LIBRARY}],
    })
}
