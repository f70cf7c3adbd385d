//! The decision cases of `testdata/`, compiled.

use std::{collections::BTreeMap, fs};

use graylane_rules::{Format, Snapshot, Source, compile};
use serde::Deserialize;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A file of cases.
#[derive(Deserialize)]
pub struct File {
    /// The documents, as JSON values.
    pub documents: Vec<serde_json::Value>,
    /// The requests that are decided by them.
    pub cases: Vec<Case>,
}

/// A request of a file.
#[derive(Deserialize)]
pub struct Case {
    /// What is sent.
    #[serde(default)]
    pub request: Request,
}

/// A request as the files write it.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, String)>,
    headers_hex: Vec<(String, String)>,
}

impl Default for Request {
    fn default() -> Self {
        let (method, path, host) = ("GET".into(), "/".into(), "shop.example.com".into());
        Self { method, path, host, headers: Vec::new(), headers_hex: Vec::new() }
    }
}

impl Request {
    /// The request as [`request::Written`](crate::request::Written) reads it.
    pub fn written(&self) -> Vec<u8> {
        let mut text = format!("{} {} {}", self.method, self.path, self.host).into_bytes();
        let plain = self.headers.iter().map(|(name, value)| (name, value.clone().into_bytes()));
        let hex = self.headers_hex.iter().map(|(name, digits)| (name, unhex(digits)));
        for (name, value) in plain.chain(hex) {
            text.extend_from_slice(format!("\n{name}: ").as_bytes());
            text.extend(value);
        }
        text
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// A file of cases, taken into use.
pub struct Compiled {
    /// What it compiled to.
    pub snapshot: Snapshot,
    /// The variants of each rule set, the default first.
    pub variants: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
}

/// Every file of cases, in the order of their names.
pub fn files() -> Vec<File> {
    texts("testdata/cases").values().map(|text| serde_saphyr::from_slice(text).expect("a file of cases")).collect()
}

/// The files of a directory of the project: name and text.
pub fn texts(directory: &str) -> BTreeMap<String, Vec<u8>> {
    let entries =
        fs::read_dir(format!("{PROJECT}/{directory}")).expect("a directory").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("UTF-8"), entry.path()));
    named.map(|(name, path)| (name, fs::read(path).expect("a file"))).collect()
}

impl File {
    /// Compiles the documents and takes them into use.
    pub fn compiled(&self) -> Compiled {
        let texts: Vec<String> = self.documents.iter().map(ToString::to_string).collect();
        let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
        let snapshot = compile(&sources).expect("documents without errors").snapshot;
        let snapshot = Snapshot::load(snapshot).expect("what was compiled");
        let rule_sets = self.documents.iter().filter(|document| document["kind"] == "RuleSet");
        Compiled { snapshot, variants: rule_sets.map(variants).collect() }
    }
}

fn variants(document: &serde_json::Value) -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes = |value: &serde_json::Value| value.as_str().expect("a text").as_bytes().to_vec();
    let spec = &document["spec"];
    let mut variants = vec![bytes(&spec["default"])];
    variants.extend(spec["variants"].as_array().expect("a list").iter().map(bytes));
    (bytes(&document["metadata"]["name"]), variants)
}
