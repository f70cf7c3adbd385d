//! Packs what is released, from what was built: the filter's and the control plane's images, bills of materials, the licences of
//! what is linked, checksums. Nothing here asks for the time, a random number or a daemon, and nothing is kept in an order that
//! could differ: the same files in make the same bytes out.

mod archive;
mod binary;
mod cargo;
mod digest;
mod filter;
mod layout;
mod licences;
mod linked;
mod manifest;
mod sbom;
mod shelf;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::{binary::Binary, cargo::Workspace, linked::Linked, shelf::Shelf};

/// Packs a release from what was built. `make dist` builds that and runs this.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the release shall lie; what lies there is replaced
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// The repository, whose Cargo.lock says what is linked
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// The filter
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    /// A static binary for linux: amd64=FILE or arm64=FILE
    #[arg(long = "binary", value_name = "ARCH=FILE", required = true)]
    binaries: Vec<Binary>,
}

/// The version of all that is released.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut shelf = Shelf::new(&arguments.into)?;
    let workspace = Workspace::read(&arguments.root)?;

    let wasm = std::fs::read(&arguments.wasm).with_context(|| arguments.wasm.display().to_string())?;
    let linked = workspace.linked("graylane-filter", "wasm32-wasip1")?;
    shelf.add("graylane.wasm", &wasm, 0o644)?;
    shelf.add("graylane.wasm.cdx.json", &sbom::of("graylane.wasm", &wasm, &linked, workspace.compiler())?, 0o644)?;
    let mut all = linked;

    for binary in &arguments.binaries {
        let name = format!("graylane-linux-{}", binary.architecture);
        let linked = workspace.linked("graylane", &format!("{}-unknown-linux-musl", binary.machine()))?;
        shelf.add(&name, &binary.bytes, 0o755)?;
        shelf.add(
            &format!("{name}.cdx.json"),
            &sbom::of(&name, &binary.bytes, &linked, workspace.compiler())?,
            0o644,
        )?;
        all = Linked::both(all, linked);
    }

    let notices = licences::Notices {
        own: std::fs::read(arguments.root.join("LICENSE")).context("LICENSE")?,
        others: licences::of(&all)?,
    };
    shelf.add("LICENSE", &notices.own, 0o644)?;
    shelf.add("third-party.txt", &notices.others, 0o644)?;
    shelf.add("rust-standard-library.html", &licences::of_standard_library(&arguments.root)?, 0o644)?;

    for image in filter::images(&wasm, &notices)?.into_iter().chain([binary::image_of(&arguments.binaries, &notices)?])
    {
        shelf.add_image(&image)?;
    }
    shelf.close()
}
