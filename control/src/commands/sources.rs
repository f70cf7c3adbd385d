//! Where the documents of a command stand: in files, or in a revision that a store or a control plane has.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::builder::{OsStringValueParser, TypedValueParser};
use graylane_store::Place;

use super::plane::{Plane, Published};
use crate::{
    client::Credentials,
    documents::{Document, Gathered, format_of},
    failure::Failure,
    place,
    revisions::json::{Text, Texts},
};

/// The revision where nothing is said.
const HEAD: &str = "head";

/// Where documents stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file, or in the files of a directory.
    Files(PathBuf),
    /// In a revision there: `head`, `41` or `1732450000.41`.
    Revision(Place, String),
}

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options for a store or a control plane")]
pub struct Reaching {
    #[command(flatten)]
    credentials: Credentials,
    /// The namespace there.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
}

impl Source {
    /// What reads one from a command line.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(|text| Self::read(&text))
    }

    /// A path, or a URL with the revision behind `#`.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn read(text: &OsStr) -> Result<Self, String> {
        let Some(url) = text.to_str().filter(|text| text.contains("://")) else {
            return Ok(Self::Files(text.into()));
        };
        let place = |url: &str| url.parse::<Place>().map_err(|why| why.to_string());
        // The name of a file may have a # in it. Of all others the revision is taken away first: it is no part of a place.
        let (url, revision) = match url.rsplit_once('#') {
            Some((url, revision)) if !url.starts_with("file://") => (url, Some(revision)),
            _ => (url, None),
        };
        match (place(url)?, revision) {
            (Place::Files(path), _) => Ok(Self::Files(path)),
            (place, None) => Ok(Self::Revision(place, HEAD.to_owned())),
            (place, Some(revision)) if is_revision(revision) => Ok(Self::Revision(place, revision.to_owned())),
            (_, Some(revision)) => {
                Err(format!("found #{revision}, expected #head, a number such as #41, or #1732450000.41"))
            }
        }
    }

    /// As it is written.
    fn text(&self) -> String {
        match self {
            Self::Files(path) => path.display().to_string(),
            Self::Revision(place, _) => place.to_string(),
        }
    }
}

/// Whether it is `head`, a number, or a whole revision.
pub fn is_revision(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text == HEAD || (text.split('.').all(is_number) && text.split('.').count() <= 2)
}

/// The one door through which commands read documents: those of `sources`, or where there are none, of what the environment
/// has as GRAYLANE_STORE or GRAYLANE_CONTROL. Says on stderr which revision it is, where it is one.
///
/// # Errors
/// Where a revision cannot be read, or nothing says what to read. A file that cannot be read is a finding.
pub fn gathered(sources: &[Source], reaching: &Reaching) -> Result<Gathered, Failure> {
    match sources {
        [] => match place::from_environment()? {
            Some(Place::Files(path)) => Ok(Gathered::of(&[path])),
            Some(place) => reaching.revision(&place, HEAD),
            None => match place::control_from_environment() {
                Some(url) => reaching.revision(&Place::Control(url), HEAD),
                None => {
                    let expected = "expected FILE, DIR, redb://PATH, etcd://HOST:PORT or http://CONTROL";
                    let or = "or GRAYLANE_STORE or GRAYLANE_CONTROL in the environment";
                    Err(Failure::unable(format!("found no documents, {expected}; {or}")))
                }
            },
        },
        [Source::Revision(place, revision)] => reaching.revision(place, revision),
        several => {
            let path = |source: &Source| match source {
                Source::Files(path) => Ok(path.clone()),
                Source::Revision(..) => Err(beside(source)),
            };
            Ok(Gathered::of(&several.iter().map(path).collect::<Result<Vec<_>, _>>()?))
        }
    }
}

/// The likeliest reason is a request that was taken for a place.
fn beside(source: &Source) -> Failure {
    let expected = "expected it alone, since a revision is all documents of a namespace";
    let request = if matches!(source, Source::Revision(Place::Control(_), _)) {
        "; if it is the request, put -- before it"
    } else {
        ""
    };
    Failure::unable(format!("found {} beside other documents, {expected}{request}", source.text()))
}

impl Reaching {
    fn revision(&self, place: &Place, revision: &str) -> Result<Gathered, Failure> {
        let plane = Plane::at(place.clone(), self.credentials.clone(), self.namespace.clone());
        of(plane.published(revision)?)
    }
}

/// The documents of a revision. Each is named with it: `shop.yaml#1732450000.41`.
///
/// # Errors
/// Where one has a name that tells no format, which no document of a revision has.
pub fn of(published: Published) -> Result<Gathered, Failure> {
    let Published { place, texts: Texts { revision, overlay, documents } } = published;
    eprintln!("reading revision {revision} of {place}");
    let document = |text: Text| {
        let format = format_of(Path::new(&text.file)).ok_or_else(|| {
            Failure::unable(format!("{place}: found the document {:?}, expected *.yaml, *.yml or *.json", text.file))
        })?;
        Ok(Document { file: format!("{}#{revision}", text.file), format, text: text.text.into_bytes() })
    };
    let documents = documents.into_iter().map(document).collect::<Result<Vec<_>, Failure>>()?;
    Ok(Gathered::given(documents).of_revision(revision).under(overlay))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_stands_behind_the_place() {
        let read = |text: &str| Source::read(OsStr::new(text));
        let revision = |place: &str, number: &str| Ok(Source::Revision(place.parse().unwrap(), number.to_owned()));
        assert_eq!(read("rules/#41"), Ok(Source::Files("rules/#41".into())));
        assert_eq!(read("file:///etc/rules"), Ok(Source::Files("/etc/rules".into())));
        assert_eq!(read("file:///etc/rules#41"), Ok(Source::Files("/etc/rules#41".into())));
        assert_eq!(read("redb://a.redb"), revision("redb://a.redb", "head"));
        assert_eq!(read("redb://a.redb#41"), revision("redb://a.redb", "41"));
        assert_eq!(read("etcd://a:2379,b:2379/x#7.41"), revision("etcd://a:2379,b:2379/x", "7.41"));
        assert_eq!(read("etcd://127.0.0.1:23790#1"), revision("etcd://127.0.0.1:23790", "1"));
        assert_eq!(read("etcd://a:2379,b:2379#head"), revision("etcd://a:2379,b:2379", "head"));
        assert_eq!(read("http://control:8460#head"), revision("http://control:8460", "head"));
        assert!(read("redb://a.redb#hed").unwrap_err().starts_with("found #hed, expected #head, a number"));
        assert!(read("s3://bucket").unwrap_err().starts_with("found \"s3://bucket\", expected one"));
    }
}
