//! One condition of traffic-tag as a match.
//!
//! There a condition on something absent is no condition that holds, `not_equal` and `not_in` included; so these are asked
//! for together with `present`. `not_exists` alone holds for what is absent.

use super::config::{Condition, percent};
use crate::import::{
    document::{Match, Operator, accepts},
    identity::{Identity, askable, is_cookie},
    pattern,
};

/// What is around a condition.
pub struct Around<'a> {
    /// The headers that the rules set: what a client sends in them is removed first.
    pub owned: &'a [String],
    /// What buckets requests, the first that is there.
    pub identity: &'a [Identity],
    /// The salt of every percentage: there all share one hash.
    pub salt: &'a str,
}

/// What a condition becomes.
#[derive(Debug)]
pub enum Became {
    /// A match.
    Match(Match),
    /// It never holds.
    Never,
    /// It cannot be said: a stable name for the reason, and the reason.
    Lost(&'static str, String),
}

/// What is asked about.
struct Attribute {
    kind: &'static str,
    name: Option<String>,
}

impl Attribute {
    fn test(&self, operator: Operator) -> Match {
        Match::Test(self.kind, self.name.clone(), operator)
    }

    fn text(&self, how: &'static str, operand: &str) -> Match {
        self.test(Operator::Text(how, operand.to_owned()))
    }

    /// Present, and not so.
    fn unless(&self, operator: Operator) -> Match {
        Match::All(vec![self.test(Operator::Present), Match::Not(Box::new(self.test(operator)))])
    }
}

/// Translates a condition.
pub fn translate(condition: &Condition, around: &Around<'_>) -> Became {
    let attribute = match attribute(condition, around) {
        Ok(attribute) => attribute,
        Err(why) => return Became::Lost("attribute", why),
    };
    let operand = condition.values.first().map(String::as_str).unwrap_or_default();
    Became::Match(match condition.operator.as_str() {
        "equal" => attribute.text("exact", operand),
        "not_equal" => attribute.unless(Operator::Text("exact", operand.to_owned())),
        "prefix" if operand.is_empty() => attribute.test(Operator::Present),
        "prefix" => attribute.text("prefix", operand),
        "in" => attribute.test(Operator::In(condition.values.clone())),
        "not_in" => attribute.unless(Operator::In(condition.values.clone())),
        "exists" => attribute.test(Operator::Present),
        "not_exists" => Match::Not(Box::new(attribute.test(Operator::Present))),
        "percentage" => return percentage(condition, &attribute, around),
        _ => match pattern::whole(operand).and_then(|regex| accepts(&regex).map(|()| regex)) {
            Ok(regex) => attribute.text("regex", &regex),
            Err(why) => {
                return Became::Lost("pattern", format!("a regular expression that is not carried over: {why}"));
            }
        },
    })
}

fn attribute(condition: &Condition, around: &Around<'_>) -> Result<Attribute, String> {
    let (kind, key) = (condition.kind.as_str(), condition.key.as_str());
    let lower = key.to_ascii_lowercase();
    match (kind, lower.as_str()) {
        ("cookie", _) if is_cookie(key) => Ok(Attribute { kind: "cookie", name: Some(key.to_owned()) }),
        ("cookie", _) => Err(format!("{key:?} is no name of a cookie")),
        ("parameter", _) => Ok(Attribute { kind: "query", name: Some(key.to_owned()) }),
        (_, ":method") => Ok(Attribute { kind: "method", name: None }),
        (_, ":authority" | "host") => Ok(Attribute { kind: "host", name: None }),
        (_, ":path") if condition.operator == "prefix" && !condition.values.iter().any(|value| value.contains('?')) => {
            Ok(Attribute { kind: "path", name: None })
        }
        (_, ":path") => {
            Err(":path has the query in it there, and not here: ask about path or query instead".to_owned())
        }
        _ if around.owned.contains(&lower) => Err(format!(
            "{key} is a header that the rules set: what a client sends in it is removed before they are asked"
        )),
        _ => askable(&lower).map(|()| Attribute { kind: "header", name: Some(lower.clone()) }),
    }
}

fn percentage(condition: &Condition, attribute: &Attribute, around: &Around<'_>) -> Became {
    let source = identity_of(condition);
    if source.is_none() || around.identity.first() != source.as_ref() {
        let why = "percentages go by the identity of the rule set, which is one header or cookie first of all; this asks for \
                   another one"
            .to_owned();
        return Became::Lost("percentage", why);
    }
    match percent(&condition.values).unwrap_or(0) {
        0 => Became::Never,
        100 => Became::Match(attribute.test(Operator::Present)),
        to => {
            let percent = Match::Percent(0, to, around.salt.to_owned());
            // Where another source stands behind it, a request without this one has an identity all the same.
            let alone = around.identity.len() == 1;
            Became::Match(if alone { percent } else { Match::All(vec![attribute.test(Operator::Present), percent]) })
        }
    }
}

/// The identity that a percentage is of; None where it can be none.
pub fn identity_of(condition: &Condition) -> Option<Identity> {
    match condition.kind.as_str() {
        "header" => {
            let name = condition.key.to_ascii_lowercase();
            (askable(&name).is_ok() && name != "cookie").then_some(Identity::Header(name))
        }
        "cookie" => is_cookie(&condition.key).then(|| Identity::Cookie(condition.key.clone())),
        _ => None,
    }
}
