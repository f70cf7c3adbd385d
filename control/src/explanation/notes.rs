//! What Envoy may change about a request before the filter sees it.

use crate::request::Request;

/// A line for each thing about `request` that Envoy may change, depending on its configuration.
pub fn about(request: &Request) -> Vec<String> {
    let path = request.target.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let dots = path.split('/').any(|segment| matches!(segment.replace("%2e", ".").as_str(), "." | ".."));
    let in_path = [
        (path.contains("//"), "repeated slashes", "merge them, as Graylane's envoy.yaml does"),
        (
            path.contains("%2f") || path.contains("%5c"),
            "an escaped slash",
            "answer with a redirect, as Graylane's envoy.yaml does",
        ),
        (dots, "dot segments", "resolve them, as Graylane's envoy.yaml does"),
    ];
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name).filter(|name| name.contains('_')).collect();
    names.dedup();
    let headers = names
        .into_iter()
        .map(|name| format!("the header {name} has an underscore: Envoy may drop it, as Graylane's envoy.yaml does"));
    let found = in_path.into_iter().filter(|(found, ..)| *found);
    headers.chain(found.map(|(_, what, change)| format!("the path has {what}: Envoy may {change}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_envoy_may_change_is_noted() {
        for (target, header, notes) in [
            ("/a/b.c/..d?x=//&y=%2f/../", "x-a", &[][..]),
            ("/", "x_a", &["the header x_a has an underscore"]),
            ("/a//b", "x-a", &["the path has repeated slashes"]),
            ("/a%2Fb/%5c", "x-a", &["the path has an escaped slash"]),
            ("/a/%2E./b", "x-a", &["the path has dot segments"]),
            ("//./%2f", "_", &["the header _", "the path has repeated", "the path has an esc", "the path has dot"]),
        ] {
            let mut request = Request::to(target);
            request.headers.push((header.to_owned(), Vec::new()));
            let found = about(&request);
            let same =
                found.len() == notes.len() && found.iter().zip(notes).all(|(found, note)| found.starts_with(note));
            assert!(same, "{target} {header}: {found:?}");
        }
    }
}
