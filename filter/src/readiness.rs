//! A path by which whoever sends traffic here can wait for the first fetched rules.

use graylane_rules::Attributes;

use crate::{host, loaded::Loaded};

/// The path that is answered by the filter itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    path: String,
}

impl Readiness {
    /// Answers `path`, which the configuration has checked.
    pub fn new(path: String) -> Self {
        Self { path }
    }

    /// Answers a GET or HEAD of the path, whatever its query: with 503 while `loaded`, the rules that decide, were not
    /// fetched (those of the plugin configuration do not count), then with 200 and the revision. False where it is
    /// another request, or the host would not have it answered: it goes on like any.
    pub fn answers(&self, request: &impl Attributes, loaded: Option<&Loaded>) -> bool {
        self.is_asked(request)
            && match loaded.filter(|loaded| loaded.revision.is_some()) {
                Some(loaded) => answer(200, format!("ok {}\n", loaded.label).as_bytes()),
                None => answer(503, b"no revision yet\n"),
            }
    }

    fn is_asked(&self, request: &impl Attributes) -> bool {
        let path = request.target().and_then(|target| target.split(|&byte| byte == b'?').next());
        path == Some(self.path.as_bytes()) && matches!(request.method(), Some(b"GET" | b"HEAD"))
    }
}

fn answer(status: u32, body: &[u8]) -> bool {
    host::send_local_response(status, "graylane_readiness", body).is_ok()
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Revision, Snapshot, Source, compile};

    use super::*;
    use crate::{
        headers::Request,
        host::{
            Status,
            fake::{LocalAnswer, host},
        },
        owned::Owned,
        pairs::encode,
    };

    fn loaded(revision: Option<Revision>) -> Loaded {
        let text = br#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"},
            "spec": {"scope": {"hosts": ["shop"]}, "variants": ["stable"], "default": "stable"}}"#;
        let compiled = compile(&[Source { format: Format::Json, text }]).unwrap();
        let fetched = Loaded::fetched(Snapshot::load(compiled.snapshot).unwrap(), revision.unwrap_or_default());
        Loaded { revision, ..fetched }
    }

    fn asked(method: &str, target: &str, loaded: Option<&Loaded>) -> bool {
        let buffer = encode(&[(b":method", method.as_bytes()), (b":path", target.as_bytes())]);
        let owned = Owned::new(Vec::new());
        Readiness::new("/ready".to_owned()).answers(&Request::read(&buffer, &owned).unwrap(), loaded)
    }

    fn answers() -> Vec<LocalAnswer> {
        host(|host| std::mem::take(&mut host.answers))
    }

    fn said(status: u32, body: &str) -> LocalAnswer {
        LocalAnswer { status, details: "graylane_readiness".to_owned(), body: body.into() }
    }

    #[test]
    fn only_a_fetched_revision_makes_ready() {
        assert!(asked("GET", "/ready", None));
        assert!(asked("HEAD", "/ready?from=probe", Some(&loaded(None))));
        assert!(asked("GET", "/ready", Some(&loaded(Some(Revision { epoch: 7, number: 3 })))));
        assert_eq!(answers(), [said(503, "no revision yet\n"), said(503, "no revision yet\n"), said(200, "ok 7.3\n")]);
    }

    #[test]
    fn everything_else_goes_on() {
        for (method, target) in [
            ("POST", "/ready"),
            ("GET", "/ready/"),
            ("GET", "/READY"),
            ("GET", "/"),
            ("GET", "/?/ready"),
            ("get", "/ready"),
        ] {
            assert!(!asked(method, target, None), "{method} {target}");
        }
        assert_eq!(answers(), []);
        host(|host| host.answer_fails = Some(Status::InternalFailure));
        assert!(!asked("GET", "/ready", None));
    }
}
