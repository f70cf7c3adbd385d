//! An explanation for programs.

use std::io::{self, Write};

use graylane_rules::Snapshot;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    commands::decide::line,
    explanation::{Asked, Masked},
    json,
};

#[derive(Serialize)]
struct Explained<'e> {
    request: Shown,
    /// As `graylane decide` writes them.
    decisions: Vec<Box<RawValue>>,
    /// What the rules asked and nobody knows.
    missed: &'e [String],
    /// What people read.
    lines: Vec<&'e str>,
}

/// The request as it is sent, credentials shortened.
#[derive(Serialize)]
struct Shown {
    method: String,
    host: Option<String>,
    path: String,
    headers: Vec<[String; 2]>,
}

/// Writes what `text` says, and what a program would have to read out of it.
pub fn write(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    missed: &[String],
    text: &[u8],
    output: &mut impl Write,
) -> io::Result<()> {
    let text = String::from_utf8_lossy(text);
    let masked = Masked::of(asked.as_sent);
    let sent = asked.as_sent;
    let header = |(name, value): &(String, Vec<u8>)| [name.clone(), masked.text(&String::from_utf8_lossy(value))];
    let request = Shown {
        method: sent.method.clone(),
        host: sent.authority.clone(),
        path: masked.text(&sent.target),
        headers: sent.headers.iter().map(header).collect(),
    };
    let decisions = line::of(asked.request, asked.stripped.to_vec(), snapshot)?;
    let lines = text.lines().collect();
    json::write(&Explained { request, decisions, missed, lines }, output)
}
