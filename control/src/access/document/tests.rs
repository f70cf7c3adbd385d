use super::*;

fn read(spec: &str) -> Result<Callers, Vec<String>> {
    let text = format!("apiVersion: graylane.dev/v1\nkind: Callers\nspec:\n{spec}");
    Callers::parse("callers.yaml", &text).map_err(|all| all.iter().map(Finding::to_string).collect())
}

fn digest(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

#[test]
fn callers_are_read_with_their_roles() {
    let (one, two) = (digest("one"), digest("two"));
    let callers = read(&format!(
        "  callers:\n  - {{name: ci, role: publisher, tokenSha256: {one}}}\n  - {{name: ci, role: publisher, tokenSha256: \"{two}\"}}\n  \
         - name: edge\n    role: fetcher\n    certificate: spiffe://cluster.local/ns/edge/sa/gw\n"
    ));
    let callers = callers.unwrap();
    let ci = Caller { name: "ci".to_owned(), role: Role::Publisher };
    assert_eq!((callers.by_token(b"one"), callers.by_token(b"two")), (Some(&ci), Some(&ci)));
    let edge = Caller { name: "edge".to_owned(), role: Role::Fetcher };
    assert_eq!(callers.by_names(&["spiffe://cluster.local/ns/edge/sa/gw".to_owned()]), Ok(Some(&edge)));
    let json = r#"{"apiVersion": "graylane.dev/v1", "kind": "Callers", "metadata": {"name": "x"}, "spec": {"callers": [{"name": "a", "role": "reader", "certificate": "a.b"}]}}"#;
    assert_eq!(Callers::parse("c.json", json).unwrap().len(), 1);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let one = digest("one");
    let wrong = read(&format!(
        "  callers:\n  - {{name: Ci, role: admin, tokenSha256: secret-token}}\n  - {{name: a, rol: reader, certificate: \"*.b\"}}\n  \
         - {{name: b, role: reader}}\n  - {{name: b, role: operator, tokenSha256: {one}, certificate: b}}\n  - {{name: c, role: reader, tokenSha256: {one}}}\n  \
         - {{name: c, role: operator, tokenSha256: {one}}}\n  - x\n"
    ));
    let said = wrong.unwrap_err();
    for expected in [
        "callers.yaml:5:42 callers spec.callers[0].tokenSha256: found something else, expected the SHA-256 of a token",
        "callers.yaml:5:12 callers spec.callers[0].name: found \"Ci\", expected 1 to 63 lower-case letters",
        "callers.yaml:5:22 callers spec.callers[0].role: found \"admin\", expected fetcher, reader, publisher or operator",
        "spec.callers[1].rol: found the unknown field \"rol\", expected none but name, role, tokenSha256, certificate; did you mean role?",
        "spec.callers[1].role: found nothing, expected the field \"role\"",
        "spec.callers[1].certificate: found \"*.b\", expected a SPIFFE ID or DNS name to the letter",
        "spec.callers[2]: found neither tokenSha256 nor certificate, expected one of them",
        "spec.callers[3]: found tokenSha256 and certificate, expected one of them",
        "spec.callers[5]: found the role operator of \"c\", which is reader above, expected one role for each name",
        "spec.callers[5]: found a credential that another entry has, expected one of its own",
        "spec.callers[6]: found no map, expected one such as {name: ci",
    ] {
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}\n{said:#?}");
    }
    assert_eq!(said.len(), 11, "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("secret-token")));
}

#[test]
fn what_is_no_such_document_says_so() {
    let said = |text: &str| Callers::parse("c", text).unwrap_err().iter().map(Finding::to_string).collect::<Vec<_>>();
    assert!(said("[")[0].contains("found what is no YAML ("), "{:?}", said("["));
    assert_eq!(said(""), ["c callers: found 0 documents, expected one of kind Callers"]);
    let other = said("apiVersion: v1\nkind: RuleSet\nspec: {callers: []}\nx: 1\n");
    assert_eq!(other.len(), 4, "{other:?}");
    let twice = said("kind: Callers\nkind: Callers\n");
    assert!(twice.len() == 1 && twice[0].starts_with("c:2:1 callers: found what is no YAML (duplicate"), "{twice:?}");
}
