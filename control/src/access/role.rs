//! Roles, and what each of them may do.

/// The name of whoever calls where nobody is asked; no file of callers can have it.
pub const ANONYMOUS: &str = "anonymous";

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An Envoy: takes snapshots and says what its workers run.
    Fetcher,
    /// Looks: at everything that is told, but takes no snapshot. A poll is an Envoy's: it has one of their places, and says
    /// what an Envoy runs.
    Reader,
    /// Looks, and publishes.
    Publisher,
    /// Everything.
    Operator,
}

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Nothing: anybody may know, such as whether this process lives.
    Nobody,
    /// To fetch for an Envoy.
    Fetch,
    /// To look.
    Read,
    /// To publish rules.
    Publish,
    /// To operate: whatever changes what runs without new rules.
    Operate,
}

/// Somebody who was let in. Handlers take it as an extension of the request: `Extension<Caller>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name in the file of callers; `anonymous` where there is none.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

impl Role {
    /// All of them, the one that may the least first.
    pub const ALL: [Self; 4] = [Self::Fetcher, Self::Reader, Self::Publisher, Self::Operator];

    /// The word for it in the file of callers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetcher => "fetcher",
            Self::Reader => "reader",
            Self::Publisher => "publisher",
            Self::Operator => "operator",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether that is enough for `need`.
    pub fn may(self, need: Need) -> bool {
        match need {
            Need::Nobody => true,
            Need::Fetch => matches!(self, Self::Fetcher | Self::Operator),
            Need::Read => matches!(self, Self::Reader | Self::Publisher | Self::Operator),
            Need::Publish => matches!(self, Self::Publisher | Self::Operator),
            Need::Operate => matches!(self, Self::Operator),
        }
    }
}

impl Need {
    /// The roles that are enough: `fetcher or operator`.
    pub fn roles(self) -> String {
        let names: Vec<_> = Role::ALL.into_iter().filter(|role| role.may(self)).map(Role::name).collect();
        match names.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            names => names.join(""),
        }
    }
}

impl Caller {
    /// Whoever calls where nobody has to say who he is.
    pub fn anonymous() -> Self {
        Self { name: ANONYMOUS.to_owned(), role: Role::Operator }
    }

    /// Whether nobody was asked who it is.
    pub fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_its_word_says_and_no_more() {
        let needs = [Need::Nobody, Need::Fetch, Need::Read, Need::Publish, Need::Operate];
        let may = |role: Role| needs.map(|need| role.may(need));
        assert_eq!(may(Role::Fetcher), [true, true, false, false, false]);
        assert_eq!(may(Role::Reader), [true, false, true, false, false]);
        assert_eq!(may(Role::Publisher), [true, false, true, true, false]);
        assert_eq!(may(Role::Operator), [true; 5]);
        assert_eq!(Need::Read.roles(), "reader, publisher or operator");
        assert_eq!(Need::Operate.roles(), "operator");
        assert!(Role::ALL.into_iter().all(|role| Role::named(role.name()) == Some(role)));
        assert_eq!(Role::named("Operator"), None);
    }
}
