//! Keeping a store in order while it is served: backups over the API and on a schedule, and what an answer may say.
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
#[path = "common/serving.rs"]
mod serving;

use common::{Scratch, rule_set};
use serde_json::{Value, json};
use serving::Serving;

/// Runs a command against what is served.
fn on(scratch: &Scratch, serving: &Serving, arguments: &[&str]) -> (i32, String, String) {
    let control = format!("http://{}", serving.address);
    scratch.run(&[arguments, &["--control", &control]].concat(), "")
}

fn done(scratch: &Scratch, serving: &Serving, arguments: &[&str]) -> String {
    let (code, said, why) = on(scratch, serving, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}{why}");
    said
}

fn publish(scratch: &Scratch, serving: &Serving, default: &str) {
    scratch.write("rules.yaml", rule_set("shop", default));
    done(scratch, serving, &["publish", "rules.yaml", "-m", default]);
}

#[test]
fn the_end_of_serving_closes_the_store() {
    let scratch = Scratch::new("keeping-closed");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    // The byte behind the magic number of redb says whether whoever opens the file next has to repair it.
    let is_open = || std::fs::read(scratch.path("store.redb")).unwrap()[9] & 2 != 0;
    assert!(is_open());
    let (exit, log) = serving.terminate();
    assert!(exit.success() && !is_open(), "{log}");
}

#[test]
fn a_store_that_is_served_is_backed_up_restored_verified_and_compacted_through_the_api() {
    let scratch = Scratch::new("keeping");
    let serving = Serving::store(&scratch);
    let (code, _, why) = on(&scratch, &serving, &["backup", "none.graylane"]);
    assert!(code == 1 && why.contains("found nothing published in default"), "{why}");
    assert!(!scratch.path("none.graylane").exists() && !scratch.path("none.graylane.part").exists());
    publish(&scratch, &serving, "stable");
    publish(&scratch, &serving, "canary");
    let said = done(&scratch, &serving, &["backup", "nightly.graylane"]);
    assert!(said.starts_with("nightly.graylane: 2 revisions, ") && said.ends_with("written and verified\n"), "{said}");
    let (code, said, _) = scratch.run(&["verify", "--file", "nightly.graylane"], "");
    assert!(code == 0 && said.starts_with("backup nightly of default"), "{said}");

    publish(&scratch, &serving, "stable");
    let before = serving.json("~/revisions/head");
    let said = done(&scratch, &serving, &["restore", "nightly.graylane", "-m", "the release was a mistake"]);
    let restored = said.split(' ').nth(1).unwrap();
    let epoch = |text: &str| text.split_once('.').unwrap().0.parse::<u64>().unwrap();
    assert!(epoch(restored) > epoch(before["revision"].as_str().unwrap()), "{said}");
    serving.eventually("the restored revision", |status| status["revision"] == restored);
    let head = serving.json("~/revisions/head");
    assert_eq!(
        (&head["reason"], &head["action"]["label"], &head["source"]),
        (&json!("the release was a mistake"), &json!("nightly"), &json!("nightly.graylane"))
    );
    let documents = serving.json("~/revisions/head/documents");
    assert_eq!(documents["documents"][0]["text"], rule_set("shop", "canary"));

    let said = done(&scratch, &serving, &["verify"]);
    assert!(said.starts_with("4 revisions, ") && said.ends_with("as they were put there\n"), "{said}");
    let said = done(&scratch, &serving, &["compact", "--keep", "1", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["revisions"], &said["namespaces"][0]["oldest"]), (&json!(3), &json!(restored)));
    let (status, gone) = serving.ask("GET", &format!("~/revisions/{}", before["revision"].as_str().unwrap()));
    assert_eq!((status, &gone["kept"]["count"]), (404, &json!(1)), "{gone:#}");
}

#[test]
fn a_namespace_that_is_misspelt_and_a_backup_that_can_be_read_once_are_told() {
    let scratch = Scratch::new("misspelt");
    scratch.write("rules.yaml", rule_set("shop", "stable"));
    let on = |arguments: &[&str]| scratch.run(&[arguments, &["--store", "redb://store.redb"]].concat(), "graylane");
    assert_eq!(on(&["publish", "rules.yaml", "-m", "first"]).0, 0);
    for command in ["verify", "show"] {
        let (code, said, why) = on(&[command, "--namespace", "typo"]);
        let found = "error: found nothing published in typo, expected revisions; there are: default\n";
        assert_eq!((code, said.as_str(), why.as_str()), (1, "", found));
    }
    let (code, said, _) = on(&["verify"]);
    assert!(code == 0 && said.starts_with("1 revision, ") && said.contains(" pieces of "), "{said}");
    for arguments in [&["verify", "--file", "/dev/stdin"][..], &["restore", "/dev/stdin", "--store", "redb://new.redb"]]
    {
        let (code, _, why) = scratch.run(arguments, "graylane");
        let found = "error: /dev/stdin: found no regular file, expected one: it is read twice\n";
        assert_eq!((code, why.as_str()), (2, found), "{arguments:?}");
    }
    assert!(!scratch.path("new.redb").exists());
    let (code, _, why) = on(&["backup", "none/nightly.graylane"]);
    assert_eq!(why, "error: none/nightly.graylane: found no directory none, expected one that is there\n");
    assert_eq!(code, 2);
}

#[test]
fn what_is_no_backup_is_refused_before_anything_changes() {
    let scratch = Scratch::new("no-backup");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    let head = serving.json("~/revisions/head");
    done(&scratch, &serving, &["backup", "good.graylane"]);
    let mut damaged = std::fs::read(scratch.path("good.graylane")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let media_type = "application/vnd.graylane.backup";
    for (body, content_type, status, said) in [
        (damaged.as_slice(), media_type, 422, "byte "),
        (b"".as_slice(), media_type, 422, "found "),
        (b"{}".as_slice(), "application/json", 415, "expected application/vnd.graylane.backup"),
    ] {
        let (found, answer) = serving.upload("~/restore?reason=x", content_type, body);
        let detail = answer["detail"].as_str().unwrap();
        assert!(found == status && detail.contains(said), "{found} {detail}");
    }
    let (status, answer) = serving.ask("POST", "~/restore?reasons=x");
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("expected reason, source, actor"), "{answer}");
    for body in [json!({"keep": 0}), json!({"keeps": 1})] {
        let (status, answer) = serving.send("~/compact", &body);
        assert!(status == 400 && answer["detail"].as_str().unwrap().contains("found "), "{answer}");
    }
    assert_eq!(serving.json("~/revisions/head"), head);
}

#[test]
fn a_restore_ends_no_freeze_and_switches_nothing_on() {
    let scratch = Scratch::new("restore-over");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    done(&scratch, &serving, &["backup", "calm.graylane"]);
    for (begin, end, said) in [
        ("freeze", "unfreeze", "froze all rule sets: an incident; expected nothing frozen: `graylane unfreeze` first"),
        ("off", "on", "all rule sets are switched off, which the backup would switch on again"),
    ] {
        done(&scratch, &serving, &[begin, "-m", "an incident"]);
        let head = serving.json("~/revisions/head");
        let (code, _, why) = on(&scratch, &serving, &["restore", "calm.graylane", "-m", "x"]);
        assert!(code == 1 && why.contains(said), "{why}");
        assert_eq!(serving.json("~/revisions/head"), head);
        done(&scratch, &serving, &[end, "-m", "over"]);
    }
    done(&scratch, &serving, &["off", "-m", "an incident"]);
    done(&scratch, &serving, &["backup", "off.graylane"]);
    done(&scratch, &serving, &["restore", "off.graylane", "-m", "what is off stays off"]);
    let head = serving.json("~/revisions/head");
    assert_eq!(head["overlay"]["off"][0]["reason"], "an incident", "{head:#}");
    let told = done(&scratch, &serving, &["history", "--limit", "1"]);
    assert!(told.contains("the same rules") && told.contains("restore of "), "{told}");
}

#[test]
fn what_stands_already_is_waited_for_as_well_and_a_rollback_says_what_it_went_back_to() {
    let scratch = Scratch::new("unchanged");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    let (code, said, _) = on(&scratch, &serving, &["publish", "rules.yaml", "-m", "again", "--wait", "1ms"]);
    assert!(code == 3 && said.starts_with("nothing differs") && said.contains("nobody runs it yet"), "{said}");
    publish(&scratch, &serving, "canary");
    let (code, said, _) = on(&scratch, &serving, &["rollback", "--within", "1ms", "-m", "errors"]);
    assert!(code == 3 && said.contains(".1 held: publish by ") && said.contains(": stable\n"), "{said}");
    scratch.write("other.yaml", rule_set("other", "stable"));
    let (code, said, _) = on(&scratch, &serving, &["publish", "other.yaml", "--dry-run"]);
    assert!(code == 0 && said.contains("1 rule set is removed, for documents take the place of all"), "{said}");
    // A worker of a later epoch takes nothing from here, and is no worker that runs it.
    let later =
        json!({"node": {"id": "envoy"}, "workers": [{"id": "0a", "revision": "9999999999999.1", "role": "worker"}]});
    assert_eq!(serving.post("~/acks", &later.to_string()), 204);
    let (code, said, _) = on(&scratch, &serving, &["off", "-m", "it burns", "--wait", "1ms"]);
    assert!(
        code == 3 && said.contains("of a later epoch than what is published: it takes nothing from here"),
        "{said}"
    );
}

#[test]
fn backups_are_taken_on_a_schedule_where_something_is_new_and_the_newest_stay() {
    let scratch = Scratch::new("schedule");
    std::fs::create_dir(scratch.path("backups")).unwrap();
    scratch.write("backups/mine.graylane", "not one of those");
    // Of another store, whose epoch is later: what is taken here is newer for all that.
    scratch.write("backups/default-9999999999999.1.graylane", "no backup");
    std::fs::create_dir(scratch.path("backups/default-7.7.graylane")).unwrap();
    let serve = ["serve", "--store", "redb://store.redb", "--listen", "127.0.0.1:0"];
    let every = ["--backup-to", "backups", "--backup-every", "1s", "--backup-keep", "2"];
    let serving = Serving::of(&mut scratch.graylane(&[&serve[..], &every].concat()));
    let files = || {
        let entries = std::fs::read_dir(scratch.path("backups")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("default-") && name != "default-7.7.graylane");
        names.sort();
        names
    };
    let mut revisions = Vec::new();
    for default in ["stable", "canary", "stable"] {
        publish(&scratch, &serving, default);
        let revision = serving.json("~/revisions/head")["revision"].as_str().unwrap().to_owned();
        let name = format!("default-{revision}.graylane");
        serving.eventually("a backup of it", |_| files().contains(&name));
        revisions.push(name);
    }
    serving.eventually("only the newest", |_| files() == revisions[1..]);
    // One that is no longer whole is taken again.
    scratch.write(&format!("backups/{}", revisions[2]), "cut");
    serving.eventually("a whole one", |_| {
        scratch.run(&["verify", "--file", &format!("backups/{}", revisions[2])], "").0 == 0
    });
    let (code, said, why) = scratch.run(&["verify", "--file", &format!("backups/{}", revisions[2])], "");
    assert!(code == 0 && said.contains("3 revisions"), "{said}{why}");
    assert!(scratch.path("backups/mine.graylane").exists());
    let metrics = || String::from_utf8(serving.get("/metrics").1).unwrap();
    let figure = |name: &str| -> f64 {
        let metrics = metrics();
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(figure("graylane_control_backups_total{outcome=\"kept\"}") >= 3.0);
    assert!(figure("graylane_control_backup_timestamp_seconds") > 1.7e9);

    // Where they cannot be written the status says so, and serving goes on.
    std::fs::remove_dir_all(scratch.path("backups")).unwrap();
    let problem = |status: &Value| status["problems"].as_array().unwrap().iter().any(|found| found["code"] == "backup");
    serving.eventually("the problem", problem);
    publish(&scratch, &serving, "canary");
    assert!(figure("graylane_control_backups_total{outcome=\"failed\"}") >= 1.0);
    std::fs::create_dir(scratch.path("backups")).unwrap();
    serving.eventually("none", |status| !problem(status));
}

#[test]
fn a_schedule_that_cannot_be_kept_is_refused_at_the_start() {
    let scratch = Scratch::with_rules("no-schedule");
    for (options, said) in [
        (&["--store", "redb://s.redb", "--backup-to", "gone"][..], "--backup-to: found no directory gone"),
        (&["--rules", "rules", "--backup-to", "rules"], "--backup-to: found it with a directory"),
        (&["--store", "redb://s.redb", "--backup-to", "rules", "--backup-every", "soon"], "expected a duration"),
        (&["--store", "redb://s.redb", "--backup-every", "6h"], "--backup-to"),
    ] {
        let (code, _, why) = scratch.run(&[&["serve", "--listen", "127.0.0.1:0"], options].concat(), "");
        assert!(code == 2 && why.contains(said), "{options:?}: {why}");
    }
}

#[test]
fn what_was_promised_and_how_it_went_is_counted() {
    let scratch = Scratch::new("promised");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    publish(&scratch, &serving, "canary");
    // Nobody is there to run it, so that it is not everywhere in time.
    let (status, answer) = serving.send("~/rollback", &json!({"reason": "errors", "waitMillis": 1}));
    assert_eq!((status, &answer["acks"]["everywhere"]), (200, &json!(false)), "{answer:#}");
    let revision = answer["revision"].as_str().unwrap();
    let report = json!({"node": {"id": "envoy"}, "workers": [{"id": "0a", "revision": revision, "role": "worker"}]});
    assert_eq!(serving.post("~/acks", &report.to_string()), 204);
    let back = std::thread::scope(|scope| {
        let rollback = scope.spawn(|| serving.send("~/rollback", &json!({"reason": "errors", "waitMillis": 20_000})));
        let next = serving.eventually("the rollback", |status| status["revision"] != revision);
        let report =
            json!({"node": {"id": "envoy"}, "workers": [{"id": "0a", "revision": next["revision"], "role": "worker"}]});
        assert_eq!(serving.post("~/acks", &report.to_string()), 204);
        rollback.join().unwrap()
    });
    assert_eq!(back.1["acks"]["everywhere"], true, "{:#}", back.1);
    let metrics = String::from_utf8(serving.get("/metrics").1).unwrap();
    for line in [
        "graylane_control_promises_total{action=\"rollback\",kept=\"yes\"} 1",
        "graylane_control_promises_total{action=\"rollback\",kept=\"no\"} 1",
        "graylane_control_rollback_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

/// Whatever is in an answer is in the document: its members, and theirs.
#[test]
fn answers_have_no_member_that_is_not_described() {
    let scratch = Scratch::new("described");
    let serving = Serving::store(&scratch);
    publish(&scratch, &serving, "stable");
    publish(&scratch, &serving, "canary");
    let report = json!({"node": {"id": "envoy", "cluster": "edge"}, "fetcher": "elected", "trouble": "no answer", "workers": [
        {"id": "0a", "revision": "1.1", "formats": [2], "error": "no", "refused": "1.2", "role": "worker"}]});
    assert_eq!(serving.post("~/acks", &report.to_string()), 204);
    serving.send("~/freeze", &json!({"reason": "a sale", "ruleSet": "shop"}));
    serving.send("~/off", &json!({"reason": "an incident", "ruleSet": "shop"}));
    let document = serving.json("/v1/openapi.json");
    let described = |method: &str, path: &str, status: &str, media_type: &str, answer: &Value| {
        let pointer = |text: &str| text.replace('~', "~0").replace('/', "~1");
        let (path, media_type) = (pointer(path), pointer(media_type));
        let response = &document["paths"].pointer(&format!("/{path}/{method}/responses/{status}")).unwrap();
        let schema = resolved(&document, response).pointer(&format!("/content/{media_type}/schema")).unwrap();
        let mut strange = Vec::new();
        compare(&document, schema, answer, "", &mut strange);
        assert!(strange.is_empty(), "{path}: {strange:?} of {answer:#}");
    };
    let base = "/v1/namespaces/{namespace}";
    let json = "application/json";
    for path in ["status", "revisions", "verify"] {
        described("get", &format!("{base}/{path}"), "200", json, &serving.json(&format!("~/{path}")));
    }
    for path in ["", "/documents", "/acks"] {
        let answer = serving.json(&format!("~/revisions/head{path}"));
        described("get", &format!("{base}/revisions/{{revision}}{path}"), "200", json, &answer);
    }
    let reason = "back";
    let (_, answer) = serving.send("~/rollback", &serde_json::json!({"reason": reason, "dryRun": true, "to": "1"}));
    described("post", &format!("{base}/rollback"), "4XX", "application/problem+json", &answer);
    serving.send("~/unfreeze", &serde_json::json!({"reason": "over", "ruleSet": "shop"}));
    let (status, answer) = serving.send("~/on", &serde_json::json!({"reason": "over", "waitMillis": 1}));
    assert_eq!(status, 200, "{answer:#}");
    described("post", &format!("{base}/on"), "200", json, &answer);
    let rules = |text: &str| serde_json::json!([{"file": "a.yaml", "text": text}]);
    let (_, broken) =
        serving.send("~/revisions", &serde_json::json!({"reason": "x", "documents": rules("kind: RuleSet")}));
    assert!(broken["problems"].as_array().is_some_and(|problems| !problems.is_empty()), "{broken:#}");
    described("post", &format!("{base}/revisions"), "4XX", "application/problem+json", &broken);
    let split = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: shop}\nspec: {identity: {from: [{header: x-user-id}]}, \
                 variants: [a, b], default: a, splits: {s: {weights: {a: 1, b: 1}}}, rules: [{id: all, split: s}]}\n";
    let asked =
        serde_json::json!({"reason": "x", "documents": rules(split), "dryRun": true, "identities": ["1", "2", "3"]});
    let (status, planned) = serving.send("~/revisions", &asked);
    assert!(status == 200 && planned["movement"]["identities"] == 3, "{planned:#}");
    described("post", &format!("{base}/revisions"), "200", json, &planned);
    let (_, answer) = serving.send("~/compact", &serde_json::json!({"keep": 1}));
    described("post", &format!("{base}/compact"), "200", json, &answer);
}

fn resolved<'d>(document: &'d Value, mut schema: &'d Value) -> &'d Value {
    while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    }
    schema
}

/// Collects the paths of members that no schema describes. A schema of an object without members describes any.
fn compare(document: &Value, schema: &Value, value: &Value, path: &str, strange: &mut Vec<String>) {
    let schema = resolved(document, schema);
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let choice = choices.iter().map(|choice| resolved(document, choice)).find(|choice| choice["type"] != "null");
        return if value.is_null() {
        } else {
            compare(document, choice.unwrap(), value, path, strange)
        };
    }
    match value {
        Value::Object(members) => {
            let Some(known) = schema.get("properties") else { return };
            for (name, value) in members {
                let path = format!("{path}.{name}");
                match known.get(name) {
                    Some(schema) => compare(document, schema, value, &path, strange),
                    None => strange.push(path),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                compare(document, &schema["items"], item, &format!("{path}[]"), strange);
            }
        }
        _ => {}
    }
}
