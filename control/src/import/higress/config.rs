//! The configuration of traffic-tag, checked as the plugin checks it.

use crate::import::{
    Broken,
    source::{Node, Place},
};

/// One configuration.
#[derive(Debug)]
pub struct Config {
    /// Where it begins.
    pub place: Place,
    /// The first that matches tags.
    pub groups: Vec<Group>,
    /// Where none does, lots are drawn.
    pub weights: Vec<Weight>,
    /// The tag of what got none.
    pub default: Option<Tag>,
    /// Fields that the plugin does not read.
    pub unread: Vec<(String, Place)>,
}

/// A header and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The header, in lower case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Conditions and what they tag with.
#[derive(Debug)]
pub struct Group {
    /// `conditionGroups[0]`.
    pub path: String,
    /// Where.
    pub place: Place,
    /// The tag.
    pub tag: Tag,
    /// Whether one condition is enough.
    pub any: bool,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// One condition.
#[derive(Debug)]
pub struct Condition {
    /// `conditionGroups[0].conditions[1]`.
    pub path: String,
    /// Where.
    pub place: Place,
    /// What is asked about: header, cookie or parameter.
    pub kind: String,
    /// Its name.
    pub key: String,
    /// How.
    pub operator: String,
    /// With what.
    pub values: Vec<String>,
}

/// A share of the requests.
#[derive(Debug)]
pub struct Weight {
    /// Where.
    pub place: Place,
    /// The tag.
    pub tag: Tag,
    /// In percent.
    pub percent: u32,
}

/// The fields that the plugin reads.
pub const FIELDS: [&str; 4] = ["conditionGroups", "weightGroups", "defaultTagKey", "defaultTagVal"];

/// Whether a document has any field of the plugin, those of single routes included.
pub fn is_one(node: &Node) -> bool {
    let mut keys = node.entries().iter().filter_map(|(key, _)| key.text());
    keys.any(|key| key == "_rules_" || FIELDS.contains(&key))
}

/// Reads a configuration.
///
/// # Errors
/// What the plugin would refuse as well.
pub fn read(file: &str, node: &Node) -> Result<Config, Broken> {
    let list = |key| node.at(key).map(Node::items).unwrap_or_default().iter().enumerate();
    let groups = list("conditionGroups").map(|(at, node)| group(file, node, at)).collect::<Result<_, _>>()?;
    let weights: Vec<Weight> =
        list("weightGroups").map(|(at, node)| weight(file, node, at)).collect::<Result<_, _>>()?;
    let sum = weights.iter().map(|weight| u64::from(weight.percent)).sum::<u64>();
    if let Some(last) = weights.last().filter(|_| sum > 100) {
        return Err(Broken::new(
            file,
            last.place,
            format!("weightGroups: found weights of {sum} together, expected at most 100"),
        ));
    }
    let default = match (node.text_at("defaultTagKey"), node.text_at("defaultTagVal")) {
        (Some(name), Some(value)) if !name.is_empty() && !value.is_empty() => Some(tag(name, value)),
        _ => None,
    };
    let unread = node.entries().iter().filter_map(|(key, _)| Some((key.text()?, key.place)));
    let unread = unread.filter(|(key, _)| !FIELDS.contains(key)).map(|(key, place)| (key.to_owned(), place)).collect();
    Ok(Config { place: node.place, groups, weights, default, unread })
}

fn tag(name: &str, value: &str) -> Tag {
    Tag { name: name.to_ascii_lowercase(), value: value.to_owned() }
}

/// A text that is there and not empty.
fn required<'n>(file: &str, node: &'n Node, path: &str, key: &str) -> Result<&'n str, Broken> {
    let found = node.text_at(key).filter(|text| !text.is_empty());
    found.ok_or_else(|| Broken::new(file, node.place, format!("{path}: found no {key}, which the plugin demands")))
}

fn group(file: &str, node: &Node, at: usize) -> Result<Group, Broken> {
    let path = format!("conditionGroups[{at}]");
    let tag = tag(required(file, node, &path, "headerName")?, required(file, node, &path, "headerValue")?);
    let any = match required(file, node, &path, "logic")?.to_ascii_lowercase().as_str() {
        "and" => false,
        "or" => true,
        other => {
            return Err(Broken::new(file, node.place, format!("{path}.logic: found {other:?}, expected and or or")));
        }
    };
    let items = node.at("conditions").map(Node::items).unwrap_or_default().iter().enumerate();
    let conditions =
        items.map(|(at, node)| condition(file, node, format!("{path}.conditions[{at}]"))).collect::<Result<_, _>>()?;
    Ok(Group { path, place: node.place, tag, any, conditions })
}

fn condition(file: &str, node: &Node, path: String) -> Result<Condition, Broken> {
    let broken = |why: String| Err(Broken::new(file, node.place, format!("{path}: {why}")));
    let kind = required(file, node, &path, "conditionType")?.to_ascii_lowercase();
    let key = required(file, node, &path, "key")?.to_owned();
    let operator = required(file, node, &path, "operator")?.to_ascii_lowercase();
    let value = node.at("value");
    // The plugin takes a lone value for a list of it.
    let items = value.map(|value| if value.text().is_some() { std::slice::from_ref(value) } else { value.items() });
    let values: Vec<String> = items.unwrap_or_default().iter().filter_map(Node::text).map(str::to_owned).collect();
    if !["header", "cookie", "parameter"].contains(&kind.as_str()) {
        return broken(format!("found the conditionType {kind:?}, expected header, cookie or parameter"));
    }
    match operator.as_str() {
        "in" | "not_in" if !values.is_empty() => {}
        "exists" | "not_exists" => {}
        "percentage" if values.len() == 1 && percent(&values).is_some() => {}
        "percentage" => return broken(format!("found the value {values:?}, expected one whole number from 0 to 100")),
        "equal" | "not_equal" | "prefix" | "regex" if values.len() == 1 => {}
        "in" | "not_in" | "equal" | "not_equal" | "prefix" | "regex" => {
            let expected = if operator.ends_with("in") { "one at least" } else { "exactly one" };
            return broken(format!("found {} values for {operator}, expected {expected}", values.len()));
        }
        other => return broken(format!("found the operator {other:?}, which the plugin does not have")),
    }
    Ok(Condition { path, place: node.place, kind, key, operator, values })
}

/// The number of a percentage.
pub fn percent(values: &[String]) -> Option<u32> {
    values.first()?.parse().ok().filter(|&percent| percent <= 100)
}

fn weight(file: &str, node: &Node, at: usize) -> Result<Weight, Broken> {
    let path = format!("weightGroups[{at}]");
    let tag = tag(required(file, node, &path, "headerName")?, required(file, node, &path, "headerValue")?);
    let text = node.text_at("weight").unwrap_or("0");
    match text.parse::<u32>() {
        Ok(percent) if percent <= 100 => Ok(Weight { place: node.place, tag, percent }),
        _ => Err(Broken::new(
            file,
            node.place,
            format!("{path}.weight: found {text:?}, expected a whole number from 0 to 100"),
        )),
    }
}
