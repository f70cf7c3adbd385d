//! What the operating system says of a file, in the words of every other message.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// `no such file or directory`: what stands between "found" and ", expected".
pub fn said(why: &io::Error) -> String {
    match why.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "that you may not use it".to_owned(),
        ErrorKind::IsADirectory => "a directory".to_owned(),
        ErrorKind::NotADirectory => "a file where a directory is named".to_owned(),
        ErrorKind::StorageFull => "no space left".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "a file system that can only be read".to_owned(),
        // Without the number that the system gives it.
        _ => {
            let text = why.to_string();
            text.split(" (os error ").next().unwrap_or_default().to_owned()
        }
    }
}

/// Why a file cannot be read: `found …, expected …`, without its name.
pub fn unread(why: &io::Error) -> String {
    format!("found {}, expected a file that can be read", said(why))
}

/// Opens a file to read it more than once: a pipe is read once.
///
/// # Errors
/// What was found and what would be right, without the name of the file.
pub fn open_regular(path: &Path) -> Result<File, String> {
    // Opening a pipe would wait for whoever writes into it.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|why| unread(&why))?;
    let found = file.metadata().map_err(|why| unread(&why))?;
    match found.is_file() {
        true => Ok(file),
        false if found.is_dir() => Err("found a directory, expected a file".to_owned()),
        false => Err("found no regular file, expected one: it is read twice".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_the_system_says_has_no_number_and_what_is_no_file_is_not_read() {
        let scratch = Scratch::new("found");
        let said = |name: &str| open_regular(&scratch.path(name)).unwrap_err();
        assert_eq!(said("none"), "found no such file or directory, expected a file that can be read");
        std::fs::write(scratch.path("a"), b"x").unwrap();
        assert_eq!(said("a/b"), "found a file where a directory is named, expected a file that can be read");
        assert_eq!(said(""), "found a directory, expected a file");
        assert!(open_regular(&scratch.path("a")).is_ok());
        let null = open_regular(Path::new("/dev/null")).unwrap_err();
        assert_eq!(null, "found no regular file, expected one: it is read twice");
        let other = io::Error::from_raw_os_error(libc::EMFILE);
        assert_eq!(super::said(&other), "Too many open files");
    }
}
