//! The file of callers: one document of kind Callers, in YAML or JSON, every problem of which is told at once.

mod reading;

use std::path::Path;

use super::{Caller, Callers, Digest, Role, callers::Credential, role};
use crate::{
    finding::Finding,
    import::source::{self, Node},
    keys, secret,
};
use reading::Reading;

/// What an entry looks like.
const ENTRY: &str = "{name: ci, role: publisher, tokenSha256: …}";

/// What a digest looks like.
const DIGEST: &str = "the SHA-256 of a token in 64 hexadecimal digits, as graylane tokens new prints it";

/// What the name in a certificate looks like.
const NAME: &str = "a SPIFFE ID or DNS name to the letter, such as spiffe://cluster.local/ns/shop/sa/frontend";

impl Callers {
    /// Reads a file of them.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Vec<Finding>> {
        let file = path.display().to_string();
        let expected = "a file of kind Callers that only its owner can change";
        let text = secret::read_if(path, |found| {
            // It holds no secret, but whoever can write into it lets in whom he likes.
            use std::os::unix::fs::PermissionsExt as _;
            let mode = found.permissions().mode() & 0o7777;
            if mode & 0o022 == 0 { Ok(()) } else { Err(format!("the mode {mode:04o}, open to changes by others")) }
        });
        let text = text.map_err(|why| {
            let found = why.strip_prefix("found ").unwrap_or(&why).split(", expected ").next().unwrap_or_default();
            vec![Finding::about(&file, "callers", found, expected)]
        })?;
        Self::parse(&file, &text)
    }

    /// Reads `text`, which stands in `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn parse(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let mut reading = Reading::of(file);
        match source::read(text).as_deref() {
            Ok([document]) => {
                let callers = callers(&mut reading, document);
                reading.finished(callers)
            }
            Ok(documents) => {
                let found = format!("{} documents", documents.len());
                Err(vec![Finding::about(file, "callers", found, "one of kind Callers")])
            }
            Err(why) => {
                reading.wrong(why.place, "", format!("what is no YAML ({})", why.why), "a document of kind Callers");
                reading.finished(Self::default())
            }
        }
    }
}

fn callers(reading: &mut Reading<'_>, document: &Node) -> Callers {
    let fields = ["apiVersion", "kind", "metadata", "spec"];
    if !reading.is_map(document, "", &fields, "{apiVersion: graylane.dev/v1, kind: Callers, spec: …}") {
        return Callers::default();
    }
    for (field, right) in [("apiVersion", "graylane.dev/v1"), ("kind", "Callers")] {
        let found = reading.text(document, "", field);
        if let Some((place, found)) = found.filter(|(_, found)| *found != right) {
            reading.wrong(place, field, format!("{found:?}"), &format!("{right:?}"));
        }
    }
    if let Some(metadata) = document.at("metadata")
        && reading.is_map(metadata, "metadata", &["name"], "{name: callers}")
    {
        reading.text(metadata, "metadata", "name");
    }
    let Some(spec) = reading.required(document, "", "spec") else { return Callers::default() };
    let is_map = reading.is_map(spec, "spec", &["callers"], &format!("{{callers: [{ENTRY}]}}"));
    let list = if is_map { reading.required(spec, "spec", "callers") } else { None };
    let Some(list) = list else { return Callers::default() };
    if list.items().is_empty() {
        reading.wrong(
            list.place,
            "spec.callers",
            "no list with an entry".to_owned(),
            &format!("a list such as [{ENTRY}]"),
        );
    }
    let mut all = Vec::new();
    for (number, node) in list.items().iter().enumerate() {
        let path = format!("spec.callers[{number}]");
        if let Some(found) = entry(reading, node, &path) {
            agree(reading, node, &path, &all, &found);
            all.push(found);
        }
    }
    Callers::of(all)
}

fn entry(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<(Caller, Credential)> {
    if !reading.is_map(node, path, &["name", "role", "tokenSha256", "certificate"], ENTRY) {
        return None;
    }
    let (name, role) = (reading.text(node, path, "name"), reading.text(node, path, "role"));
    let credential = credential(reading, node, path);
    let name = name.and_then(|(place, name)| match keys::parse_id(name) {
        Ok(name) if name != role::ANONYMOUS => Some(name),
        _ => {
            let expected =
                "1 to 63 lower-case letters, digits, '_', '.' and '-', a letter or digit first; not anonymous";
            reading.wrong(place, &format!("{path}.name"), format!("{name:?}"), expected);
            None
        }
    });
    let role = role.and_then(|(place, role)| {
        let known = Role::named(role);
        if known.is_none() {
            reading.wrong(
                place,
                &format!("{path}.role"),
                format!("{role:?}"),
                "fetcher, reader, publisher or operator",
            );
        }
        known
    });
    Some((Caller { name: name?, role: role? }, credential?))
}

/// The one of both credentials that must be there.
fn credential(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Credential> {
    let (token, certificate) = (node.at("tokenSha256"), node.at("certificate"));
    match (token, certificate) {
        (Some(_), None) => {
            let (place, text) = reading.text(node, path, "tokenSha256")?;
            let digest = Digest::parse(text).map(Credential::Token);
            if digest.is_none() {
                // Not what was found: somebody may have put the token itself there.
                reading.wrong(place, &format!("{path}.tokenSha256"), "something else".to_owned(), DIGEST);
            }
            digest
        }
        (None, Some(_)) => {
            let (place, text) = reading.text(node, path, "certificate")?;
            let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
            if !is_name {
                reading.wrong(place, &format!("{path}.certificate"), format!("{text:?}"), NAME);
            }
            is_name.then(|| Credential::Certificate(text.to_owned()))
        }
        (found, _) => {
            let found =
                if found.is_some() { "tokenSha256 and certificate" } else { "neither tokenSha256 nor certificate" };
            reading.wrong(
                node.place,
                path,
                found.to_owned(),
                "one of them; a caller with several has an entry for each",
            );
            None
        }
    }
}

/// One name has one role, and one credential is one entry's.
fn agree(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    earlier: &[(Caller, Credential)],
    (caller, credential): &(Caller, Credential),
) {
    if let Some((other, _)) = earlier.iter().find(|(other, _)| other.name == caller.name && other.role != caller.role) {
        let found =
            format!("the role {} of {:?}, which is {} above", caller.role.name(), caller.name, other.role.name());
        reading.wrong(node.place, path, found, "one role for each name");
    }
    if earlier.iter().any(|(_, other)| other.is(credential)) {
        reading.wrong(node.place, path, "a credential that another entry has".to_owned(), "one of its own");
    }
}

#[cfg(test)]
mod tests;
