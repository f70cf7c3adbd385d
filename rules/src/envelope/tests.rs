use super::*;

const REVISION: Revision = Revision { epoch: 3, number: 14 };

#[test]
fn what_was_sealed_opens() {
    let envelope = seal("default", REVISION, 1, b"snapshot\nbytes");
    let (head, snapshot) = open(&envelope).unwrap();
    assert_eq!((head.revision(), head.namespace.as_str(), snapshot), (REVISION, "default", &b"snapshot\nbytes"[..]));
}

#[test]
fn every_damage_is_refused() {
    let whole = seal("default", REVISION, 1, b"snapshot");
    for cut in 0..whole.len() {
        assert!(open(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let last = whole.len() - 1;
    let mut flipped = whole.clone();
    flipped[last] ^= 1;
    assert_eq!(open(&flipped), Err(Refused::Digest));
    let mut longer = whole;
    longer.push(0);
    assert_eq!(open(&longer), Err(Refused::Length { found: 9, expected: 8 }));
    assert_eq!(open(b"<html>not found</html>"), Err(Refused::NoHead));
}

fn signed() -> Head {
    Head {
        issued: 1_732_450_123,
        expires: 1_732_536_523,
        signatures: vec![Signature { key: "ops-1".to_owned(), ed25519: "ab".repeat(64) }],
        ..Head::of("default", REVISION, 1, b"snapshot")
    }
}

fn line(json: &str) -> Vec<u8> {
    [json.as_bytes(), b"\nsnapshot"].concat()
}

#[test]
fn dates_and_signatures_arrive() {
    let envelope = signed().seal(b"snapshot");
    assert_eq!(open(&envelope), Ok((signed(), &b"snapshot"[..])));
}

#[test]
fn a_line_of_eight_long_keys_is_read() {
    let signature = Signature { key: "k".repeat(63), ed25519: "f".repeat(128) };
    let head = Head { signatures: vec![signature; 8], namespace: "n".repeat(63), ..signed() };
    let head = Head { epoch: u64::MAX, revision: u64::MAX, issued: u64::MAX, expires: u64::MAX, ..head };
    assert_eq!(open(&head.seal(b"snapshot")).map(|(read, _)| read), Ok(head));
}

#[test]
fn a_line_that_says_nothing_of_dates_has_none() {
    let sha256 = digest(b"snapshot");
    let old = format!(r#"{{"namespace":"default","epoch":3,"revision":14,"format":1,"length":8,"sha256":"{sha256}"}}"#);
    assert_eq!(open(&line(&old)).unwrap().0, Head::of("default", REVISION, 1, b"snapshot"));
    let new = String::from_utf8(seal("default", REVISION, 1, b"snapshot")).unwrap();
    assert!(!new.contains("signatures"), "{new}");
}

/// Or else no control plane could ever say more than the oldest fetcher that still runs understands.
#[test]
fn what_a_later_control_plane_adds_is_passed_over() {
    let json = serde_json::to_string(&signed()).unwrap();
    let json = json.replace(r#"{"namespace""#, r#"{"delta":{"of":[1,2]},"namespace""#);
    let later = json.replace(r#"{"key""#, r#"{"key":"ops-2","mlDsa":"00"},{"hint":1,"key""#);
    let (head, _) = open(&line(&later)).map_err(|why| format!("{later}: {why}")).unwrap();
    let unknown = Signature { key: "ops-2".to_owned(), ed25519: String::new() };
    assert_eq!(head, Head { signatures: [vec![unknown], signed().signatures].concat(), ..signed() });
    for wrong in [json.replace("\"epoch\":3", "\"epoch\":3,\"epoch\":4"), json.replace("\"epoch\":3,", "")] {
        assert!(matches!(open(&line(&wrong)), Err(Refused::Head(_))), "{wrong}");
    }
}

#[test]
fn the_signed_text_is_known() {
    let expected = "graylane snapshot signature 1\ndefault\n3.14\n1732450123\n1732536523\n1\n8\n\
                    16a0eeb0791b6c92451fd284dd9f599e0a7dbe7f6ebea6e2d2d06c7f74aec112\n";
    let text = signed().signed_text();
    assert_eq!(text, expected);
    assert_eq!(Head { signatures: Vec::new(), ..signed() }.signed_text(), text, "signatures sign no signatures");
}

/// A namespace that goes on with what the next lines are, and a digest that goes on with what is missing.
#[test]
fn no_field_reaches_into_another() {
    let head = |namespace: &str, sha256: &str| Head {
        namespace: namespace.to_owned(),
        sha256: sha256.to_owned(),
        ..Head::of("", REVISION, 1, b"")
    };
    let fields = "3.14\n0\n0\n1\n0\n";
    let (one, other) = (head("a", &format!("b\n{fields}c")), head(&format!("a\n{fields}b"), "c"));
    assert_ne!(one.signed_text(), other.signed_text());
    assert_ne!(head("a\nb", "").signed_text(), head("a\\nb", "").signed_text());
}

#[cfg(not(target_family = "wasm"))]
mod laws {
    use super::*;
    use proptest::prelude::*;

    /// Reads a signed text back; what can be read back to one head only belongs to one head only.
    fn read(text: &str) -> Option<Head> {
        let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
        let [_, namespace, revision, issued, expires, format, length, sha256] = lines[..] else { return None };
        let revision: Revision = revision.parse().ok()?;
        Some(Head {
            namespace: plain(namespace),
            epoch: revision.epoch,
            revision: revision.number,
            format: format.parse().ok()?,
            length: length.parse().ok()?,
            sha256: plain(sha256),
            issued: issued.parse().ok()?,
            expires: expires.parse().ok()?,
            signatures: Vec::new(),
        })
    }

    fn plain(line: &str) -> String {
        let mut letters = line.chars();
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            text.push(match letter {
                '\\' if letters.next() == Some('n') => '\n',
                letter => letter,
            });
        }
        text
    }

    proptest! {
        #[test]
        fn different_heads_have_different_texts(
            namespace in "[a1.\\\\n\n]{0,12}",
            sha256 in "[a1.\\\\n\n]{0,12}",
            (epoch, revision, issued, expires) in any::<(u64, u64, u64, u64)>(),
            (format, length) in any::<(u16, usize)>(),
        ) {
            let head =
                Head { namespace, epoch, revision, format, length, sha256, issued, expires, signatures: Vec::new() };
            prop_assert_eq!(read(&head.signed_text()), Some(head));
        }
    }
}
