//! The one switch that redirects every load path.

use graylane_store::Place;

use crate::{failure::Failure, url::Url};

/// The variable of the environment that says where rule sets and revisions are, where a command is not told.
const VARIABLE: &str = "GRAYLANE_STORE";

/// The store where nothing is said.
const DEFAULT: &str = "redb://graylane.redb";

/// The variable of the environment that says which control plane is asked, where a command is not told.
const CONTROL_VARIABLE: &str = "GRAYLANE_CONTROL";

/// The control plane where nothing is said.
const CONTROL: &str = "http://127.0.0.1:8460";

/// The place that was `given`, or else what the environment says, or else [`DEFAULT`].
///
/// # Errors
/// Where the environment says something that is no place.
pub fn or_default(given: Option<&Place>) -> Result<Place, Failure> {
    let place = match given {
        Some(place) => Some(place.clone()),
        None => from_environment()?,
    };
    place.map_or_else(|| DEFAULT.parse().map_err(Failure::unable), Ok)
}

/// The control plane that is asked where a command is not told: the store of the environment, if that is one, or else the
/// control plane that it names, or else [`CONTROL`].
///
/// # Errors
/// Where the environment says something that is none.
pub fn control() -> Result<Url, Failure> {
    let (variable, text) = match from_environment()? {
        Some(Place::Control(url)) => (VARIABLE, url),
        _ => (CONTROL_VARIABLE, control_from_environment().unwrap_or_else(|| CONTROL.to_owned())),
    };
    Url::parse(&text).map_err(|why| Failure::unable(format!("{variable}: {why}")))
}

/// The control plane that the environment names, where it does.
pub fn control_from_environment() -> Option<String> {
    std::env::var(CONTROL_VARIABLE).ok().filter(|text| !text.is_empty())
}

/// What the environment says; None where it says nothing.
///
/// # Errors
/// Where that is no place.
pub fn from_environment() -> Result<Option<Place>, Failure> {
    match std::env::var(VARIABLE) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) if text.contains('#') => {
            let found = format!("{VARIABLE}: found {text:?}, with a revision");
            Err(Failure::unable(format!("{found}, expected a place alone: what is read there is the head")))
        }
        Ok(text) => text.parse().map(Some).map_err(|why| Failure::unable(format!("{VARIABLE}: {why}"))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::unable(format!("{VARIABLE}: found bytes that are not UTF-8, expected a URL")))
        }
    }
}
