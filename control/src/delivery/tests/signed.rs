//! What is signed is accepted by who has the key, whenever it is asked for.

use ed25519_dalek::{Signature, VerifyingKey};
use graylane_rules::envelope::Head;

use super::*;
use crate::keys::SigningKey;

const DAY: Duration = Duration::from_secs(86_400);

/// The oldest format that is served.
const OLDEST: u16 = 2;

fn key(id: &str) -> SigningKey {
    SigningKey::draw(id.to_owned()).unwrap()
}

fn bytes<const N: usize>(hexadecimal: &str) -> [u8; N] {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<_> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// What a fetcher does that knows `id` as `public`: whether it takes the envelope.
fn accepted(head: &Head, id: &str, public: &str, now: u64) -> bool {
    let public = VerifyingKey::from_bytes(&bytes(public)).unwrap();
    let signed = head.signatures.iter().any(|signature| {
        let text = head.signed_text();
        signature.key == id
            && public.verify_strict(text.as_bytes(), &Signature::from_bytes(&bytes(&signature.ed25519))).is_ok()
    });
    signed && (head.expires == 0 || head.expires > now)
}

/// The head that is delivered, in `format`.
async fn head(namespace: &Arc<Namespace>, format: u16) -> Head {
    envelope::open(&get(namespace, &format!("~/snapshot?formats={format}")).await.1).unwrap().0
}

#[tokio::test]
async fn each_key_signs_and_no_other_is_believed() {
    let (one, two, stranger) = (key("one"), key("two"), key("one"));
    let publics = [("one", one.public()), ("two", two.public())];
    let clock = Clock::standing();
    let now = clock.now().unix_seconds();
    let namespace = signing(Keyring::of(vec![one, two]), DAY, clock);
    publish(&namespace, "a");
    for &format in SNAPSHOT_FORMATS {
        let head = head(&namespace, format).await;
        assert_eq!((head.issued, head.expires), (now, now + DAY.as_secs()));
        for (id, public) in &publics {
            assert!(accepted(&head, id, public, now), "{id}");
        }
        assert!(!accepted(&head, "one", &stranger.public(), now));
        let longer = Head { expires: head.expires + 1, ..head.clone() };
        assert!(!accepted(&longer, "one", &publics[0].1, now), "the expiry is signed");
    }
    let status = status(&namespace).await;
    assert_eq!(status["signedBy"], json!(["one", "two"]));
    let expires: jiff::Timestamp = status["expires"].as_str().unwrap().parse().unwrap();
    assert_eq!(u64::try_from(expires.as_second()).unwrap(), now + DAY.as_secs());
}

#[tokio::test]
async fn an_old_revision_is_always_acceptable_and_seldom_signed() {
    let (one, clock) = (key("one"), Clock::standing());
    let public = one.public();
    let namespace = signing(Keyring::of(vec![one]), DAY, clock.clone());
    publish(&namespace, "a");
    let first = head(&namespace, OLDEST).await;
    clock.advance(DAY / 2 - Duration::from_secs(1));
    assert_eq!(head(&namespace, OLDEST).await, first, "more than half of its validity is left");
    for days in 0..30 {
        clock.advance(DAY / 2 + Duration::from_secs(1));
        let now = clock.now().unix_seconds();
        let head = head(&namespace, OLDEST).await;
        assert!(accepted(&head, "one", &public, now + DAY.as_secs() / 2), "after {days} half days");
        assert_eq!((head.issued, head.revision()), (now, first.revision()));
    }
    // One for the publication if it was in another format, one for the oldest, one for each half day.
    let publication = u64::from(SNAPSHOT_FORMAT != OLDEST);
    assert_eq!(namespace.sealer.signatures.get(), publication + 1 + 30);
}

#[tokio::test]
async fn the_expiry_in_the_metrics_is_that_of_what_would_be_delivered() {
    let clock = Clock::standing();
    let namespace = signing(Keyring::of(vec![key("one"), key("two")]), DAY, clock.clone());
    publish(&namespace, "a");
    clock.advance(30 * DAY);
    let text = get(&namespace, "/metrics").await.1;
    let text = std::str::from_utf8(&text).unwrap();
    let expires = clock.now().unix_seconds() + DAY.as_secs();
    for sample in ["signing_keys 2", "signatures_total 4", &format!("envelope_expiry_timestamp_seconds {expires}")] {
        assert!(text.contains(&format!("\ngraylane_control_{sample}\n")), "{sample}: {text}");
    }
}

#[tokio::test]
async fn a_rotated_key_signs_the_same_revision_anew() {
    let (old, new) = (key("old"), key("new"));
    let (old_public, new_public) = (old.public(), new.public());
    let clock = Clock::standing();
    let now = clock.now().unix_seconds();
    let namespace = signing(Keyring::of(vec![old]), DAY, clock);
    publish(&namespace, "a");
    let before = head(&namespace, OLDEST).await;
    let poll = waiting_poll(&namespace, "7.1").await;

    namespace.sealer.replace(Keyring::of(vec![new]));
    let after = head(&namespace, OLDEST).await;
    assert_eq!(after.revision(), before.revision());
    assert!(accepted(&before, "old", &old_public, now) && !accepted(&after, "old", &old_public, now));
    assert!(accepted(&after, "new", &new_public, now));
    assert_eq!(namespace.waiting(), 1, "whoever has the revision is not sent it again");
    namespace.drain();
    assert_eq!(poll.await.unwrap().0, 204);
}

#[tokio::test]
async fn without_keys_nothing_is_dated() {
    let namespace = namespace();
    publish(&namespace, "a");
    let head = head(&namespace, OLDEST).await;
    assert_eq!((head.issued, head.expires, head.signatures.len()), (0, 0, 0));
    let status = status(&namespace).await;
    assert_eq!((&status["signedBy"], &status["expires"]), (&json!([]), &Value::Null));
}
