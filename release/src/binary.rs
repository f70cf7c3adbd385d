//! The command line and control plane: a static binary for each architecture, and one image of all of them.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Error, Result, bail};

use crate::{
    archive::Archive,
    layout::{Blobs, Image, OCI, OneLayer, image},
    licences::Notices,
    manifest::{Index, Platform, Run, media, notes},
};

const NAME: &str = "graylane/control";
/// Nobody: the user that images without a shell have by custom.
const USER: &str = "65532:65532";
/// What a process that is not root looks up about itself, and in which order it looks up names.
const PASSWD: &[u8] = b"root:x:0:0::/:/x\nnonroot:x:65532:65532::/:/x\n";
const NSSWITCH: &[u8] = b"hosts: files dns\n";

/// A binary, read.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// As registries call it.
    pub(crate) architecture: &'static str,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

impl Binary {
    /// The architecture, as compilers call it.
    pub(crate) fn machine(&self) -> &'static str {
        if self.architecture == "arm64" { "aarch64" } else { "x86_64" }
    }
}

impl FromStr for Binary {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (architecture, file) = match text.split_once('=') {
            Some(("amd64", file)) => ("amd64", file),
            Some(("arm64", file)) => ("arm64", file),
            _ => bail!("found {text:?}, expected amd64=FILE or arm64=FILE"),
        };
        let bytes = std::fs::read(PathBuf::from(file)).with_context(|| file.to_owned())?;
        if !runs_on(architecture, &bytes) {
            bail!("{file}: found no ELF file for {architecture}, expected a linux binary for it");
        }
        Ok(Self { architecture, bytes })
    }
}

/// The header of an ELF file says for which machine it is.
fn runs_on(architecture: &str, bytes: &[u8]) -> bool {
    let machine: [u8; 2] = if architecture == "arm64" { [183, 0] } else { [62, 0] };
    bytes.starts_with(b"\x7fELF") && bytes.get(18..20) == Some(machine.as_slice())
}

/// The image: an index with one image an architecture. Older Dockers load the first.
pub(crate) fn image_of(binaries: &[Binary], notices: &Notices) -> Result<Image> {
    let mut blobs = Blobs::default();
    let mut images = Vec::new();
    for binary in binaries {
        let platform = Platform { architecture: binary.architecture, os: "linux" };
        let run = Run { user: USER.to_owned(), entrypoint: vec!["/graylane".to_owned()], labels: notes("graylane") };
        let files = notices
            .put_into(Archive::default())
            .with("graylane", 0o755, &binary.bytes)
            .with("etc/passwd", 0o644, PASSWD)
            .with("etc/nsswitch.conf", 0o644, NSSWITCH);
        images.push(OneLayer::pack(&mut blobs, OCI, "graylane", platform, run, &files)?);
    }
    let tag = format!("{NAME}:{}", crate::VERSION);
    let for_docker = images.first().map(|image| image.for_docker(&tag)).transpose()?;
    let index = Index {
        schema_version: 2,
        media_type: media::INDEX,
        manifests: images.into_iter().map(|image| image.manifest).collect(),
        annotations: notes("graylane"),
    };
    let index = blobs.add_json(media::INDEX, &index)?;
    image("graylane-control.tar", NAME, blobs, index, for_docker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_for_the_architecture_it_is_said_to_be_for() {
        let mut elf = b"\x7fELF".to_vec();
        elf.resize(18, 0);
        elf.extend([62, 0]);
        assert!(runs_on("amd64", &elf));
        assert!(!runs_on("arm64", &elf));
        assert!(!runs_on("amd64", b"#!/bin/sh\nexec other"));
        let refused = "sparc=x".parse::<Binary>().expect_err("no such architecture");
        assert_eq!(refused.to_string(), r#"found "sparc=x", expected amd64=FILE or arm64=FILE"#);
    }
}
