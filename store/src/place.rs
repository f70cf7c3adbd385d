//! Where things are: the one registry of URL schemes.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use crate::{Etcd, EtcdAddress, Redb, Store, StoreError};

/// Where rule sets are loaded from, or revisions are kept, by scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `file://DIR`, or a path: documents, as they stand in files.
    Files(PathBuf),
    /// `redb://PATH`: revisions in a file, which one process has open at a time.
    Redb(PathBuf),
    /// `etcd://HOST:PORT,…`: revisions in a cluster, which any number of processes share.
    Etcd(EtcdAddress),
    /// `http://HOST:PORT` or `https://…`: what a control plane has.
    Control(String),
}

/// What is wrong with the text of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPlace(String);

impl fmt::Display for InvalidPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPlace {}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once("://") else {
            if text.ends_with(".redb") || text.starts_with("redb:") || text.starts_with("etcd:") {
                let (scheme, rest) = text.split_once(':').unwrap_or(("redb", text));
                return Err(InvalidPlace(format!("found {text:?}, expected {scheme}://{rest}, or a directory")));
            }
            return Ok(Self::Files(PathBuf::from(text)));
        };
        let wrong = |expected: &str| Err(InvalidPlace(format!("found {text:?}, expected {expected}")));
        match scheme {
            _ if rest.is_empty() => wrong("something behind ://, such as redb:///var/lib/graylane/store.redb"),
            "file" => Ok(Self::Files(PathBuf::from(rest))),
            "redb" => Ok(Self::Redb(PathBuf::from(rest))),
            // The text is not quoted: somebody may have written a password into it.
            "etcd" => text.parse().map(Self::Etcd).map_err(|why| InvalidPlace(format!("etcd://…: {why}"))),
            "http" | "https" => Ok(Self::Control(text.to_owned())),
            _ => wrong("one that begins with file://, redb://, etcd://, http:// or https://"),
        }
    }
}

/// `redb:///var/lib/graylane/store.redb`: as it is read.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(path) => write!(f, "file://{}", path.display()),
            Self::Redb(path) => write!(f, "redb://{}", path.display()),
            Self::Etcd(address) => address.fmt(f),
            Self::Control(url) => f.write_str(url),
        }
    }
}

/// Opens the store at `place`.
///
/// # Errors
/// Where it cannot be opened, or is no store but a directory of documents or a control plane.
pub async fn open(place: &Place) -> Result<Arc<dyn Store>, StoreError> {
    let refused = |found: &str| {
        let why = format!("found {found}, expected a store: redb://PATH or etcd://HOST:PORT");
        Err(StoreError::Refused { place: place.to_string(), why })
    };
    match place {
        Place::Redb(path) => Ok(Arc::new(Redb::open(path).await?)),
        Place::Etcd(address) => Ok(Arc::new(Etcd::open(address).await?)),
        Place::Files(_) => refused("files, which keep no revisions"),
        Place::Control(_) => refused("a control plane"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_what_it_is() {
        let read = |text: &str| text.parse::<Place>();
        assert_eq!(read("rules/"), Ok(Place::Files("rules/".into())));
        assert_eq!(read("file:///etc/rules"), Ok(Place::Files("/etc/rules".into())));
        assert_eq!(read("redb://a.redb"), Ok(Place::Redb("a.redb".into())));
        assert_eq!(read("redb:///a/b.redb").unwrap().to_string(), "redb:///a/b.redb");
        assert_eq!(read("etcd://a:2379,b:2379/x").unwrap().to_string(), "etcd://a:2379,b:2379/x");
        assert_eq!(read("https://control:8460"), Ok(Place::Control("https://control:8460".to_owned())));
        for text in ["redb://", "s3://bucket", "://x", "a.redb", "redb:a", "etcd:a:2379"] {
            assert!(read(text).unwrap_err().to_string().starts_with("found "), "{text}");
        }
        let said = read("etcd://me:secret@a:2379").unwrap_err().to_string();
        assert!(said.starts_with("etcd://…: found a password") && !said.contains("secret"), "{said}");
    }
}
