//! Files with secrets in them, which nobody else may use.

use std::{
    fs::{File, Metadata},
    io::Read as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use zeroize::Zeroizing;

use crate::found::unread;

/// The longest file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// What others than the owner must not be allowed: all, but a group may read.
const FORBIDDEN: u32 = 0o037;

/// Reads a file that is no secret, but is treated as one: a regular one, of bounded length, of text.
///
/// # Errors
/// What was found and what would be right.
pub fn read_open(path: &Path) -> Result<Zeroizing<String>, String> {
    read_if(path, |_| Ok(()))
}

/// The same, and refuses a file that others than its owner can read or write. A group may read, as that is how Kubernetes gives
/// a secret to a process that is not root.
///
/// # Errors
/// What was found and what would be right.
pub fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    read_if(path, expect_private)
}

/// Refuses what others than its owner can use.
///
/// # Errors
/// What was found and what would be right.
pub fn expect_private(found: &Metadata) -> Result<(), String> {
    let mode = found.permissions().mode() & 0o7777;
    if mode & FORBIDDEN == 0 {
        return Ok(());
    }
    let whose = if mode & 0o007 != 0 { "open to everybody on this machine" } else { "open to changes by its group" };
    Err(format!("found the mode {mode:04o}, {whose}, expected 0600, or 0640 where a group must read it"))
}

/// Reads a regular file of which `allowed` thinks well.
///
/// # Errors
/// What was found and what would be right.
pub fn read_if(path: &Path, allowed: impl Fn(&Metadata) -> Result<(), String>) -> Result<Zeroizing<String>, String> {
    // Opening a pipe would wait for whoever writes into it.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(|why| unread(&why))?;
    // Of the open file, so that it cannot be another by the time it is read.
    let metadata = file.metadata().map_err(|why| unread(&why))?;
    if !metadata.is_file() {
        return Err("found no regular file, expected one".to_owned());
    }
    allowed(&metadata)?;
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_LIMIT).read_to_string(&mut text).map_err(|why| unread(&why))?;
    Ok(text)
}
