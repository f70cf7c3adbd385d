//! Credentials, shortened: what `explain` prints ends up in tickets.

use crate::request::Request;

/// What is as short as this is shown: it is no credential, and a rule is hard to follow without it.
const SHOWN: usize = 8;

/// So much of what is longer is shown, to tell one from another.
const HINT: usize = 4;

/// `rules` shows at most so many bytes of a value.
const CUT: usize = 120;

/// Parts of names that say that the value is a secret.
const SECRET: &[&str] = &[
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "session",
    "credential",
    "api-key",
    "api_key",
    "apikey",
    "signature",
    "jwt",
    "csrf",
];

/// The secrets of one request, and what is shown in their place.
pub struct Masked(Vec<(String, String)>);

impl Masked {
    /// Finds the credentials of `request`: in headers that are about them, in cookies, and in the query.
    pub fn of(request: &Request) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value);
            match name.as_str() {
                "cookie" => secrets.extend(pairs(&value, ';').map(|(_, value)| value)),
                name if is_secret(name) => {
                    // The scheme is no secret.
                    secrets.push(value.split_once(' ').map_or(&*value, |(_, credential)| credential).to_owned());
                }
                _ => {}
            }
        }
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        secrets.extend(pairs(query, '&').filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
        secrets.retain(|secret| secret.len() > SHOWN);
        // An explanation shows values in quotes, escaped.
        secrets.extend(secrets.clone().into_iter().map(|secret| secret.escape_debug().to_string()));
        // Of two, one of which is in the other, the longer one first.
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Self(secrets.into_iter().map(|secret| (secret.clone(), shortened(&secret))).collect())
    }

    /// `text` without the secrets, also where one is cut off.
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (secret, short)| {
            let text = text.replace(secret.as_str(), short);
            // A value that is cut has an ellipsis where the rest of the secret was.
            let least = secret.floor_char_boundary(SHOWN.saturating_add(1));
            let cuts = (least..=secret.len().min(CUT)).rev().filter(|&end| secret.is_char_boundary(end));
            let cut = cuts.filter_map(|end| secret.get(..end)).find(|part| text.contains(&format!("{part}…")));
            cut.map_or_else(|| text.clone(), |part| text.replace(&format!("{part}…"), &format!("{short}…")))
        })
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

fn pairs(text: &str, separator: char) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split(separator).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
}

fn shortened(secret: &str) -> String {
    let hint = secret.get(..secret.floor_char_boundary(HINT)).unwrap_or_default();
    format!("{hint}…({} bytes masked)", secret.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(target: &str, headers: &[(&str, &str)]) -> Masked {
        let mut request = Request::to(target);
        request.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Masked::of(&request)
    }

    #[test]
    fn credentials_are_shortened_and_nothing_else() {
        let long = "e".repeat(200);
        let bearer = format!("Bearer {long}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("cookie", "uid=42; sid=0123456789abcdef"),
            ("x-api-key", "k1234567890"),
        ];
        let masked = masked("/a?access_token=verysecretindeed&x=verylongbutharmless", &headers);
        for (text, shown) in [
            (bearer.as_str(), "Bearer eeee…(200 bytes masked)"),
            ("uid=42; sid=0123456789abcdef", "uid=42; sid=0123…(16 bytes masked)"),
            ("found \"k1234567890\"", "found \"k123…(11 bytes masked)\""),
            (
                "/a?access_token=verysecretindeed&x=verylongbutharmless",
                "/a?access_token=very…(16 bytes masked)&x=verylongbutharmless",
            ),
            ("sid: found \"0123456789ab… (16 bytes)", "sid: found \"0123…(16 bytes masked)… (16 bytes)"),
        ] {
            assert_eq!(masked.text(text), shown);
        }
        let cut = format!("found \"Bearer {}… (207 bytes)\"", "e".repeat(113));
        assert!(!masked.text(&cut).contains("eeeee"), "{}", masked.text(&cut));
    }

    #[test]
    fn what_is_no_text_breaks_nothing() {
        let masked = masked("/?token=ééééééééé", &[("cookie", "a=é…é…é…é…; b=; =c; d"), ("authorization", "")]);
        assert_eq!(masked.text("/?token=ééééééééé"), "/?token=éé…(18 bytes masked)");
    }
}
