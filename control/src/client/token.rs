//! The token by which a control plane knows who asks, from its file.

use std::path::Path;

use axum::http::HeaderValue;

use crate::{access::Token, secret};

/// The header that has the token in the file.
///
/// # Errors
/// Which file cannot be used, and why. No token is told, wherever it stands.
pub fn authorization(path: &Path) -> Result<HeaderValue, String> {
    if Token::is_in(&path.to_string_lossy()) && !path.exists() {
        let found = "--token-file: found a token itself, expected the name of a file with it";
        return Err(format!("{found}: it may stand in the history of the shell now"));
    }
    let told = |why: String| format!("{}: {why}", path.display());
    let text = secret::read(path).map_err(told)?;
    let token = Some(text.trim()).filter(|token| Token::is_form_of(token));
    let value = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
    let expected = format!("expected one line, as graylane tokens new prints it: {}", Token::form());
    let mut value = value.ok_or_else(|| told(format!("found no token, {expected}")))?;
    // Whatever prints the request does not print this.
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_token_is_what_is_made_here_and_is_never_told() {
        let scratch = Scratch::new("token");
        let token = Token::draw().unwrap();
        let of = |name: &str, text: &str| {
            let path = scratch.path(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            authorization(&path)
        };
        let sent = of("graylane_ci", &format!("{}\n", token.text())).unwrap();
        assert_eq!(sent.to_str().unwrap(), format!("Bearer {}", token.text()));
        for text in ["", "secret", "graylane_secret", &token.text().replace("graylane", "Graylane"), &"a".repeat(73)] {
            let said = of("ci.token", text).unwrap_err();
            assert!(said.contains("ci.token: found no token, expected one line, as graylane tokens new"), "{said}");
            assert!(text.is_empty() || !said.contains(text), "{said}");
        }
        let spoken = format!("Bearer {}", token.text());
        let of_path = format!("./{}.", token.text());
        for given in [token.text(), "graylane_d6278e96", &spoken, &of_path] {
            let said = authorization(Path::new(given)).unwrap_err();
            assert!(said.starts_with("--token-file: found a token itself, expected the name of a file"), "{said}");
            assert!(!said.contains(given), "{said}");
        }
        let said = authorization(Path::new("graylane_ci.token")).unwrap_err();
        assert!(said.starts_with("graylane_ci.token: found no such file"), "{said}");
    }
}
