//! Everybody who may call, and by what each is known.

use subtle::{Choice, ConditionallySelectable as _};

use super::{Caller, Digest};

/// By what somebody is known.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token with this digest.
    Token(Digest),
    /// A client certificate with this URI or DNS name.
    Certificate(String),
}

impl Credential {
    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token(one), Self::Token(other)) => one.is(other).into(),
            (Self::Certificate(one), Self::Certificate(other)) => one == other,
            _ => false,
        }
    }
}

/// All callers, as a file has them.
#[derive(Clone, Debug, Default)]
pub struct Callers(Vec<(Caller, Credential)>);

/// The names of a certificate are those of several callers.
#[derive(Debug, PartialEq, Eq)]
pub struct Ambiguous;

impl Callers {
    /// These. Several may be one caller, with one role: that is how a token is replaced.
    pub fn of(callers: Vec<(Caller, Credential)>) -> Self {
        Self(callers)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names of those who are known by a certificate.
    pub fn certified(&self) -> impl Iterator<Item = &str> {
        let is = |credential: &Credential| matches!(credential, Credential::Certificate(_));
        self.0.iter().filter(move |(_, credential)| is(credential)).map(|(caller, _)| caller.name.as_str())
    }

    /// Whose token it is.
    pub fn by_token(&self, token: &[u8]) -> Option<&Caller> {
        let digest = Digest::of(token);
        // Every entry is compared, each in constant time: how long it takes tells neither whether nor where one fits.
        let (mut found, mut is_any) = (0_u64, Choice::from(0));
        for (place, (_, credential)) in (0_u64..).zip(&self.0) {
            if let Credential::Token(known) = credential {
                let is = known.is(&digest);
                found.conditional_assign(&place, is);
                is_any |= is;
            }
        }
        let place = usize::try_from(found).ok().filter(|_| is_any.into())?;
        self.0.get(place).map(|(caller, _)| caller)
    }

    /// Whose certificate it is that has these names, each of which must be an entry's to the letter to count.
    ///
    /// # Errors
    /// Where they are several callers'.
    pub fn by_names(&self, names: &[String]) -> Result<Option<&Caller>, Ambiguous> {
        let is = |credential: &Credential| match credential {
            Credential::Certificate(name) => names.contains(name),
            Credential::Token(_) => false,
        };
        let mut found = self.0.iter().filter(|(_, credential)| is(credential)).map(|(caller, _)| caller);
        let first = found.next();
        if found.any(|other| Some(other) != first) { Err(Ambiguous) } else { Ok(first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    fn caller(name: &str, role: Role) -> Caller {
        Caller { name: name.to_owned(), role }
    }

    #[test]
    fn tokens_and_certificates_find_their_caller_and_nothing_else_does() {
        let token = |text: &str| Credential::Token(Digest::of(text.as_bytes()));
        let certificate = |name: &str| Credential::Certificate(name.to_owned());
        let (ci, edge, other) =
            (caller("ci", Role::Publisher), caller("edge", Role::Fetcher), caller("b", Role::Fetcher));
        let callers = Callers::of(vec![
            (edge.clone(), certificate("spiffe://a/edge")),
            (ci.clone(), token("old")),
            (ci.clone(), token("new")),
            (edge.clone(), certificate("edge.example.com")),
            (other, certificate("spiffe://a/b")),
        ]);
        assert_eq!(callers.by_token(b"old"), Some(&ci));
        assert_eq!(callers.by_token(b"new"), Some(&ci));
        for wrong in [&b""[..], b"ol", b"old ", b"OLD", b"spiffe://a/edge"] {
            assert_eq!(callers.by_token(wrong), None);
        }
        let by = |names: &[&str]| callers.by_names(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(by(&["spiffe://a/edge", "edge.example.com", "x"]), Ok(Some(&edge)));
        for wrong in [&[][..], &["spiffe://a/edge/"], &["spiffe://A/edge"], &["*.example.com"], &["a.edge.example.com"]]
        {
            assert_eq!(by(wrong), Ok(None), "{wrong:?}");
        }
        assert_eq!(by(&["spiffe://a/edge", "spiffe://a/b"]), Err(Ambiguous));
        assert_eq!(Callers::default().by_token(b""), None);
    }
}
