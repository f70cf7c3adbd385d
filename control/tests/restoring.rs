//! Restoring: backups made by hand, right in every digest and not true; restores that are killed; and what no backup is put in the
//! place of.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

mod common;

use std::{process::Stdio, time::Duration};

use common::{Scratch, rule_set};
use graylane_store::{Digest, Entry, Head, Listing, Manifest, Redb, Store, listing, manifest_of, pieces, take_backup};

const NAMESPACE: &str = "default";

/// Runs a command that must do what it is told.
fn done(scratch: &Scratch, arguments: &[&str]) {
    let (code, said, why) = scratch.run(arguments, "");
    assert_eq!(code, 0, "{arguments:?}: {said}{why}");
}

fn publish(scratch: &Scratch, store: &str, default: &str) {
    scratch.write("rules.yaml", rule_set("shop", default));
    done(scratch, &["publish", "rules.yaml", "-m", default, "--store", store]);
}

async fn open(scratch: &Scratch, file: &str) -> Redb {
    Redb::open(&scratch.path(file)).await.unwrap()
}

async fn head(store: &Redb) -> Manifest {
    let head = store.ground(NAMESPACE).await.unwrap().head.unwrap();
    manifest_of(store, NAMESPACE, &head).await.unwrap()
}

/// Publishes by hand what `forged` makes of the head, and takes a backup.
async fn backed_up(scratch: &Scratch, store: &Redb, file: &str, forged: impl AsyncFnOnce(Manifest) -> Manifest) {
    let ground = store.ground(NAMESPACE).await.unwrap();
    let mut next = forged(head(store).await).await;
    next.previous = ground.head.map(Into::into);
    next.revision.number = ground.head.unwrap().revision.number + 1;
    let bytes = next.bytes().unwrap();
    let to = Head { revision: next.revision, manifest: Digest::of(&bytes) };
    store.advance(NAMESPACE, &ground, &to, &bytes).await.unwrap();
    let mut backup = Vec::new();
    take_backup(store, NAMESPACE, "forged", next.at, &mut backup).await.unwrap();
    scratch.write(file, backup);
}

#[tokio::test]
async fn what_is_restored_decides_as_its_documents_say() {
    let scratch = Scratch::new("forged");
    let at = "redb://one.redb";
    publish(&scratch, at, "stable");
    publish(&scratch, at, "canary");
    let store = open(&scratch, "one.redb").await;
    let canary = head(&store).await;
    let first = canary.previous.unwrap();
    let stable =
        manifest_of(&store, NAMESPACE, &Head { revision: first.revision, manifest: first.manifest }).await.unwrap();
    assert_ne!(stable.snapshot, canary.snapshot);
    // The head lies, and so does a revision before it.
    let lies = |of: &Manifest| Manifest { documents: stable.documents.clone(), ..of.clone() };
    backed_up(&scratch, &store, "lies.graylane", async |head| lies(&head)).await;
    backed_up(&scratch, &store, "lied.graylane", async |_| canary.clone()).await;
    let lying = format!("{}.3", first.revision.epoch);
    drop(store);

    done(&scratch, &["verify", "--file", "lies.graylane"]);
    done(&scratch, &["restore", "lies.graylane", "-m", "x", "--store", "redb://other.redb"]);
    let restored = head(&open(&scratch, "other.redb").await).await;
    assert_eq!((&restored.documents, &restored.snapshot), (&stable.documents, &stable.snapshot));
    assert_eq!(restored.difference["ruleSets"].as_array().unwrap().len(), 0, "it follows its own: {restored:#?}");

    let third = "redb://third.redb";
    done(&scratch, &["restore", "lied.graylane", "-m", "x", "--store", third]);
    let restored = head(&open(&scratch, "third.redb").await).await;
    assert_eq!((&restored.documents, &restored.snapshot), (&canary.documents, &canary.snapshot));
    done(&scratch, &["rollback", "--to", &lying, "-m", "x", "--store", third]);
    let back = head(&open(&scratch, "third.redb").await).await;
    assert_eq!((&back.documents, &back.snapshot), (&stable.documents, &stable.snapshot));
}

#[tokio::test]
async fn documents_that_could_not_be_published_are_not_restored() {
    let scratch = Scratch::new("forged-documents");
    publish(&scratch, "redb://one.redb", "stable");
    publish(&scratch, "redb://mine.redb", "canary");
    let mine = head(&open(&scratch, "mine.redb").await).await;
    let store = open(&scratch, "one.redb").await;
    let list = listing(&store, &head(&store).await.documents).await.unwrap().0;
    let named = |file: &str| Entry { file: file.to_owned(), ..list[0].clone() };
    let text = async |text: &str| {
        let (object, cut) = pieces(text.as_bytes());
        store.put(&cut).await.unwrap();
        Entry { object, ..list[0].clone() }
    };
    // Another content than the digest says.
    let mut object = serde_json::to_value(&list[0].object).unwrap();
    object["pieces"] = serde_json::json!([Digest::of(b"another")]);
    store.put(&pieces(b"another").1).await.unwrap();
    let lying = Entry { object: serde_json::from_value(object).unwrap(), ..list[0].clone() };
    let cases = [
        (vec![named("../rules.yaml")], "found the file name \"../rules.yaml\", expected one without directories"),
        (vec![list[0].clone(), list[0].clone()], "found the file \"rules.yaml\" twice, expected it once"),
        (
            vec![text("kind: RuleSet\n").await],
            "found documents that this build does not compile, expected sound ones: ",
        ),
        (vec![text(&rule_set("shop", "gone")).await], "rules.yaml:"),
        // The last one, since no backup behind it is whole.
        (vec![lying], "names 1 pieces, expected 0"),
    ];
    for (place, (entries, said)) in cases.into_iter().enumerate() {
        let (documents, cut) = pieces(&serde_json::to_vec(&Listing(entries)).unwrap());
        store.put(&cut).await.unwrap();
        let file = format!("{place}.graylane");
        backed_up(&scratch, &store, &file, async |head| Manifest { documents, ..head }).await;
        for to in ["redb://mine.redb", "redb://new.redb"] {
            let (code, _, why) = scratch.run(&["restore", &file, "-m", "x", "--store", to], "");
            assert!(code == 1 && why.contains(said), "{said}: {why}");
        }
    }
    assert_eq!(head(&open(&scratch, "mine.redb").await).await, mine);
    let new = open(&scratch, "new.redb").await;
    assert!(new.revisions(NAMESPACE, None, 9).await.unwrap().is_empty(), "nothing is left of what was refused");
}

#[test]
fn a_backup_takes_the_place_of_a_backup_alone() {
    let scratch = Scratch::new("in-place");
    scratch.write("rules.yaml", rule_set("shop", "stable"));
    let on = |arguments: &[&str]| scratch.run(&[arguments, &["--store", "redb://own.redb"]].concat(), "");
    assert_eq!(on(&["publish", "rules.yaml", "-m", "first"]).0, 0);
    scratch.write("empty", "");
    std::os::unix::fs::symlink("own.redb", scratch.path("link")).unwrap();
    std::os::unix::fs::symlink("gone", scratch.path("lost")).unwrap();
    std::fs::create_dir(scratch.path("directory")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path("socket")).unwrap();
    let expected = "expected a name that is free, or a backup to replace\n";
    for (file, found) in [
        ("own.redb", "a file that is no backup"),
        ("rules.yaml", "a file that is no backup"),
        ("link", "a file that is no backup"),
        ("lost", "no such file or directory"),
        ("directory", "a directory"),
        ("socket", "no regular file"),
    ] {
        let before = std::fs::read(scratch.path(file)).ok();
        let (code, said, why) = on(&["backup", file]);
        assert_eq!((code, said.as_str()), (2, ""), "{file}: {why}");
        assert_eq!(why, format!("error: {file}: found {found}, {expected}"));
        assert_eq!(std::fs::read(scratch.path(file)).ok(), before, "{file}");
    }
    assert_eq!(on(&["verify"]).0, 0);
    for file in ["new.graylane", "new.graylane", "empty"] {
        let (code, _, why) = on(&["backup", file]);
        assert_eq!(code, 0, "{file}: {why}");
        assert_eq!(scratch.run(&["verify", "--file", file], "").0, 0);
    }
}

#[test]
fn a_restore_that_is_killed_leaves_a_store_that_is_whole() {
    let scratch = Scratch::new("restore-killed");
    for number in 0..60 {
        publish(&scratch, "redb://all.redb", ["stable", "canary"][number % 2]);
    }
    done(&scratch, &["backup", "all.graylane", "--store", "redb://all.redb"]);
    // Sooner or later in it, on whatever machine: it is whole at any time.
    for round in 0..12_u64 {
        let (file, store) = (format!("{round}.redb"), format!("redb://{round}.redb"));
        let mut restoring = scratch.graylane(&["restore", "all.graylane", "-m", "x", "--store", &store]);
        let mut restoring = restoring.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !scratch.path(&file).exists() && restoring.try_wait().unwrap().is_none() {}
        std::thread::sleep(Duration::from_millis(round * 8));
        restoring.kill().unwrap();
        restoring.wait().unwrap();
        let (code, said, why) = scratch.run(&["verify", "--store", &store], "");
        assert!(code == 0 || code == 1 && why.contains("found nothing published"), "{code} {said}{why}");
        publish(&scratch, &store, "stable");
        done(&scratch, &["verify", "--store", &store]);
        done(&scratch, &["backup", "after.graylane", "--store", &store]);
    }
}
