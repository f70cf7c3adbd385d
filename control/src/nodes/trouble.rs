//! The beginning and the end of what keeps an Envoy from taking anything.

use super::complaints::bounded;
use crate::finding::one_line;

/// What a report changes about the trouble of an Envoy.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing.
    Same,
    /// There is trouble, or another one than before.
    Begun(String),
    /// There is none any more.
    Over,
}

/// How the trouble of an Envoy changed with its latest report.
#[derive(Debug)]
pub struct Trouble {
    node: String,
    turn: Turn,
}

impl Trouble {
    /// The difference between the trouble `node` told of `before` and that it tells of `now`.
    pub fn of(node: &str, before: Option<&str>, now: Option<&str>) -> Self {
        let (before, now) = (before.map(bounded), now.map(bounded));
        let turn = match now {
            Some(why) if before.as_ref() != Some(&why) => Turn::Begun(why),
            None if before.is_some() => Turn::Over,
            _ => Turn::Same,
        };
        Self { node: node.to_owned(), turn }
    }

    /// Logs it: a warning when it begins, a note when it is over. That is at most one bounded line for a report.
    pub fn log(&self) {
        match &self.turn {
            Turn::Same => {}
            Turn::Begun(why) => tracing::warn!("node {:?}: trouble: {}", self.node, one_line(why)),
            Turn::Over => tracing::info!("node {:?}: the trouble is over", self.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_once_and_ends_once() {
        let turn = |before, now| Trouble::of("e", before, now).turn;
        assert_eq!(turn(None, None), Turn::Same);
        assert_eq!(turn(None, Some("no answer")), Turn::Begun("no answer".to_owned()));
        assert_eq!(turn(Some("no answer"), Some("no answer")), Turn::Same);
        assert_eq!(turn(Some("no answer"), Some("no key")), Turn::Begun("no key".to_owned()));
        assert_eq!(turn(Some("no key"), None), Turn::Over);
    }

    #[test]
    fn it_is_bounded() {
        let long = |end| format!("{}{end}", "é".repeat(2_000));
        let Turn::Begun(why) = Trouble::of("e", None, Some(&long("a"))).turn else { panic!("it did not begin") };
        assert_eq!((why.chars().count(), why.ends_with('…')), (401, true));
        assert_eq!(Trouble::of("e", Some(&long("a")), Some(&long("b"))).turn, Turn::Same);
    }
}
