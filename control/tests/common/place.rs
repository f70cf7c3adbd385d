//! A control plane with certificates and callers, and who asks it.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::{
    certificates::{Authority, Identity},
    common::Scratch,
    serving::Serving,
    visitor::Visitor,
};

/// Who fetches by certificate.
pub const EDGE: &str = "spiffe://cluster.local/ns/edge/sa/gw";

/// The options of a server with everything.
pub const OPTIONS: [&str; 10] = [
    "--listen",
    "127.0.0.1:0",
    "--tls-cert",
    "server.pem",
    "--tls-key",
    "server-key.pem",
    "--client-ca",
    "ca.pem",
    "--callers",
    "callers.yaml",
];

/// A scratch directory with rules, certificates, and callers: ci publishes by a token, edge fetches by certificate.
pub struct Place {
    pub scratch: Scratch,
    pub authority: Authority,
    /// The token of each, by name.
    pub ci: String,
    pub entries: Vec<String>,
}

impl Place {
    pub fn new(name: &str) -> Self {
        let (scratch, authority) = (Scratch::with_rules(name), Authority::new());
        scratch.write("ca.pem", authority.pem());
        let (ci, entry) = new_token(&scratch, "ci", "publisher");
        let place = Self {
            scratch,
            authority,
            ci,
            entries: vec![entry, format!("{{name: edge, role: fetcher, certificate: \"{EDGE}\"}}")],
        };
        place.certify(&place.authority.identity("spiffe://cluster.local/ns/graylane/sa/control", "localhost"));
        place.write_callers(&place.entries);
        place
    }

    pub fn certify(&self, identity: &Identity) {
        self.scratch.write("server.pem", &identity.certificate);
        let key = self.scratch.write("server-key.pem", &identity.key);
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn write_callers(&self, entries: &[String]) {
        let text = format!(
            "apiVersion: graylane.dev/v1\nkind: Callers\nspec:\n  callers:\n    - {}\n",
            entries.join("\n    - ")
        );
        self.scratch.rename_into_place("callers.yaml", text);
    }

    pub fn serve(&self) -> (Serving, Visitor) {
        self.serve_with(&[])
    }

    /// The same with these options besides.
    pub fn serve_with(&self, options: &[&str]) -> (Serving, Visitor) {
        let serving = Serving::with(&self.scratch, &[&OPTIONS[..], options].concat());
        let visitor = Visitor::trusting(&serving.address, &self.authority);
        visitor.token(&self.ci).eventually("a revision", |status| status["revision"] != Value::Null);
        (serving, visitor)
    }
}

/// A token, and its entry in the file of callers.
pub fn new_token(scratch: &Scratch, name: &str, role: &str) -> (String, String) {
    let (code, token, said) = scratch.run(&["tokens", "new", "--name", name, "--role", role], "");
    assert_eq!(code, 0, "{said}");
    let entry = said.lines().last().unwrap().strip_prefix("- ").unwrap().to_owned();
    (token.trim_end().to_owned(), entry)
}
