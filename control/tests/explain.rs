//! `graylane explain`, as a shell would run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::Scratch;

#[test]
fn explain_takes_a_curl_command_line() {
    let scratch = Scratch::with_documents("explain");
    let url = "https://shop.example.com/cart?x=1";
    let dashes = ["explain", "-f", "shop.yaml", "--", "-sk", "-H", "X-Env: gray", "-H", "x-gray-variant: evil", url];
    let (code, stdout, stderr) = scratch.run(&dashes, "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in [
        "  GET /cart?x=1\n",
        "  host: shop.example.com\n",
        "  x-env: gray\n",
        "  x-gray-variant: evil   (owned by Graylane: stripped first)\n",
        "canary TARGETING_MATCH",
    ] {
        assert!(stdout.contains(line), "{line:?} in {stdout}");
    }
    let curl = ["explain", "-f", "shop.yaml", "curl", "-sk", "-H", "X-Env: gray", "-H", "x-gray-variant: evil", url];
    assert_eq!(scratch.run(&curl, "").1, stdout);
    let attached =
        ["explain", "-fshop.yaml", "curl", "--", "-sk", "-H", "X-Env: gray", "-H", "x-gray-variant: evil", url];
    assert_eq!(scratch.run(&attached, "").1, stdout);
    let (code, stdout, _) = scratch.run(&["explain", "-f", "shop.yaml", "--", "https://elsewhere/"], "");
    assert!(code == 0 && stdout.contains("no scope includes the request"), "{stdout}");
    let (code, _, stderr) = scratch.run(&["explain", "-f", "shop.yaml", "--", "--frob", url], "");
    assert!(code == 2 && stderr.starts_with("error: found the curl option --frob, which"), "{stderr}");
    assert_eq!(scratch.run(&["explain", "-f", "shop.yaml", "broken.yaml", "--", url], "").0, 1);
}

#[test]
fn json_has_what_a_program_would_have_to_read_out_of_the_text() {
    let scratch = Scratch::with_documents("explain-json");
    let line = [
        "-f",
        "shop.yaml",
        "--",
        "-H",
        "x-env: gray",
        "-H",
        "authorization: Bearer abcdefghijklmnop",
        "shop.example.com",
    ];
    let (code, text, stderr) = scratch.run(&[&["explain", "--time", "2026-01-01T00:00:00Z"][..], &line].concat(), "");
    assert_eq!(code, 0, "{stderr}");
    let (code, json, _) =
        scratch.run(&[&["explain", "-o", "json", "--time", "2026-01-01T00:00:00Z"][..], &line].concat(), "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["decisions"][0]["variant"]), (0, &serde_json::json!("canary")));
    assert_eq!(json["request"]["host"], "shop.example.com");
    let lines: Vec<_> = json["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(lines, text.lines().collect::<Vec<_>>());
    assert!(!json.to_string().contains("abcdefghijklmnop"), "{json:#}");
}

#[test]
fn its_own_options_are_read_strictly() {
    let scratch = Scratch::with_documents("explain-strict");
    for (line, said) in [
        ("-f shop.yaml --owne x-a -- shop", "unexpected argument '--owne' found"),
        ("-f shop.yaml --hlep", "unexpected argument '--hlep' found"),
        ("-v -f shop.yaml -- shop", "unexpected argument '-v' found"),
        ("-f shop.yaml -H x-env:gray shop", "unexpected argument '-H' found"),
        ("-f shop.yaml curl", "found no request, expected one behind --"),
        ("curl shop", "found no documents, expected FILE, DIR, redb://PATH"),
        ("-f shop.yaml http://shop/", "if it is the request, put -- before it"),
        (
            "-f shop.yaml gone.yaml curl shop",
            "gone.yaml unreadable: found no such file or directory, expected a file that can be read",
        ),
    ] {
        let words: Vec<_> = ["explain"].into_iter().chain(line.split(' ')).collect();
        let (code, _, stderr) = scratch.run(&words, "");
        assert!(code == 2 && stderr.contains(said), "{line}: {code}: {stderr}");
    }
}

#[test]
fn what_no_request_carries_is_said_by_options() {
    let scratch = Scratch::with_documents("explain-surroundings");
    let document = common::rule_set("node", "stable");
    scratch.write("node.yaml", document.replace("{header: {name: x-env, exact: gray}}", "{labels: {region: us}}"));
    let words = ["explain", "-f", "node.yaml", "--label", "env=a=b", "--label", "region=us", "--source", "::1"];
    let request = ["--time", "2026-12-24T18:00:00+01:00", "--", "node.example.com"];
    let (code, stdout, stderr) = scratch.run(&[&words[..], &request].concat(), "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in [
        "  (source ::1)\n  (node label env=a=b)\n  (node label region=us)\n  (time 2026-12-24T17:00:00Z)\n",
        "✓ label region: exact \"us\": found \"us\"\n",
    ] {
        assert!(stdout.contains(line), "{line:?} in {stdout}");
    }
    let (_, stdout, _) = scratch.run(&["explain", "-f", "node.yaml", "--", "node.example.com"], "");
    assert!(stdout.contains("✗ label region: exact \"us\": absent\n") && !stdout.contains("(time"), "{stdout}");
    for (option, value) in [("--source", "10.1.2"), ("--label", "region"), ("--label", "=us"), ("--time", "noon")] {
        let (code, _, stderr) = scratch.run(&["explain", option, value, "-f", "node.yaml", "--", "shop"], "");
        assert!(code == 2 && stderr.contains(&format!("found {value:?}, expected ")), "{stderr}");
    }
}

#[test]
fn what_envoy_may_change_is_noted() {
    let scratch = Scratch::with_documents("explain-notes");
    let words = ["explain", "-f", "shop.yaml", "--owned", "x-a,x-b", "--", "-H", "x_a: 1", "-H", "x_c: 1", "shop//%2f"];
    let (_, stdout, _) = scratch.run(&words, "");
    let notes: Vec<_> = stdout.lines().filter_map(|line| line.strip_prefix("  note: ")).collect();
    assert_eq!(notes.len(), 3, "{stdout}");
    assert!(notes[0].starts_with("the header x_c has an underscore: Envoy may drop it"), "{stdout}");
}

#[test]
fn a_pasted_command_line_is_one_text() {
    let scratch = Scratch::with_documents("explain-pasted");
    let explain = |line: &str| scratch.run(&["explain", "-f", "shop.yaml", "--curl", line], "");
    let chrome = "curl 'https://shop.example.com/cart?x=1&token=0123456789abcdef' \\\n  -X 'POST' \\\n  -H 'x-env: gray' \\\n  \
                  -b 'uid=42; sid=s3cr3ts3cr3ts3cr3t' \\\n  -H 'authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x' \\\n  \
                  -A 'Mozilla/5.0' -e https://shop.example.com/ \\\n  --data-raw $'{\"a\":\"it\\'s\"}' --compressed --insecure\n";
    let (code, stdout, stderr) = explain(chrome);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in [
        "  POST /cart?x=1&token=0123…(16 bytes masked)\n",
        "  x-env: gray\n",
        "  user-agent: Mozilla/5.0\n",
        "  cookie: uid=42; sid=s3cr…(18 bytes masked)\n",
        "  authorization: Bearer eyJh…(26 bytes masked)\n",
        "canary TARGETING_MATCH",
    ] {
        assert!(stdout.contains(line), "{line:?} in {stdout}");
    }
    for (line, said) in [
        ("wget https://shop/", "error: found the command \"wget\", expected curl"),
        ("", "error: found no command, expected"),
        ("curl https://shop/?a&b", "error: found `&` outside of quotes"),
        ("curl -H 'x-env: gray", "error: found a quote ' that does not end"),
    ] {
        let (code, _, stderr) = explain(line);
        assert!(code == 2 && stderr.starts_with(said), "{line}: {stderr}");
    }
    assert_eq!(explain("$ /usr/bin/curl -s shop.example.com/cart | jq .").0, 0);
    assert_eq!(scratch.run(&["explain", "-f", "shop.yaml", "--curl", "curl a", "--log-line", "{}"], "").0, 2);
}

#[test]
fn a_rule_shows_no_credential_either() {
    let scratch = Scratch::with_documents("explain-masked");
    let rules = common::rule_set("shop", "stable")
        .replace("name: x-env, exact: gray", "name: authorization, prefix: 'Bearer '");
    scratch.write("shop.yaml", format!("{rules}  identity: {{from: [{{cookie: sid}}]}}\n"));
    let line = "curl -H 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x' -b sid=s3cr3ts3cr3ts3cr3t shop.example.com";
    let (_, stdout, _) = scratch.run(&["explain", "-f", "shop.yaml", "--curl", line], "");
    assert!(stdout.contains("found \"Bearer eyJh…(26 bytes masked)\""), "{stdout}");
    assert!(!stdout.contains("eyJhb") && !stdout.contains("s3cr3"), "{stdout}");
}

#[test]
fn a_line_of_an_access_log_is_explained_and_compared() {
    let scratch = Scratch::with_documents("explain-log");
    let line = |more: &str| format!(r#"{{"method":"GET","path":"/cart","authority":"shop.example.com"{more}}}"#);
    let explain = |line: &str| scratch.run(&["explain", "-f", "shop.yaml", "--log-line", line], "").1;
    let stdout = explain(&line(r#","variant":"canary","rule":"shop/qa","reason":"TARGETING_MATCH","revision":"7.2""#));
    for part in [
        "request, as far as the log tells\n  GET /cart\n",
        "  uncertain   the log does not tell header x-env: taken as absent, though the rules asked\n",
        "  compared  ✗ variant: the log says canary, explained is stable\n",
        "  compared  ✗ rule: the log says shop/qa, explained is shop/_default\n",
        "other rules then, by revision 7.2 or what the log does not tell may be why\n",
    ] {
        assert!(stdout.contains(part), "{part:?} in {stdout}");
    }
    let stdout = explain(&line(r#","x-env":"gray","graylane_variant":"canary","graylane_rule":"shop/qa""#));
    assert!(stdout.contains("✓ everything that was asked\n  compared  ✓ the log says the same\n"), "{stdout}");
    let stdout = explain(&line(r#","x_env":"-""#));
    assert!(stdout.contains("✓ everything that was asked\n  compared    not: the log has no variant"), "{stdout}");
    let from_stdin = ["explain", "-f", "shop.yaml", "--log-line", "-"];
    let (code, stdout, _) = scratch.run(&from_stdin, &format!("\n{}\nmore\n", line(r#","x-env":"gray""#)));
    assert!(code == 0 && stdout.contains("canary TARGETING_MATCH"), "{stdout}");
    let (code, _, stderr) = scratch.run(&from_stdin, "\n");
    assert!(code == 2 && stderr.starts_with("error: stdin: found nothing, expected a line of JSON"), "{stderr}");
}

#[test]
fn why_a_variant_is_inherited_or_not_is_said() {
    let scratch = Scratch::with_documents("explain-inherit");
    let inherit =
        "inherit: {peers: [spiffe://td/ns/edge], sources: [10.0.0.0/8], hops: 1, outbound: true}\n  variants:";
    scratch.write("lane.yaml", common::rule_set("lane", "stable").replace("variants:", inherit));
    let explain = |options: &[&str], request: &[&str]| {
        let words = [&["explain", "-f", "lane.yaml", "-f", "shop.yaml"][..], options, &["--"], request].concat();
        let (code, stdout, stderr) = scratch.run(&words, "");
        assert_eq!((code, stderr.as_str()), (0, ""), "{words:?}");
        stdout
    };
    let (gray, lane) = (&["-H", "x-gray-variant: canary", "lane.example.com"][..], "lane.example.com");
    let kept = explain(&["--peer", "spiffe://td/ns/edge/sa/gw"], gray);
    for line in [
        "  (peer spiffe://td/ns/edge/sa/gw)\n",
        "  inherit   ✓ peers [spiffe://td/ns/edge]: found spiffe://td/ns/edge/sa/gw\n",
        "  rules       1, not asked: the variant is inherited\n",
        "  decision    canary INHERITED: the request came with it, and its sender is trusted\n",
    ] {
        assert!(kept.contains(line), "{line:?} in {kept}");
    }
    let outbound = explain(&["--direction", "outbound"], gray);
    assert!(outbound.contains("✓ outbound: sent by the application beside this proxy\n"), "{outbound}");
    let forwarded = ["-H", "x-forwarded-for: 10.1.2.3, 192.0.2.1", "-H", "x-gray-variant: canary", lane];
    let forwarded = explain(&["--source", "10.1.2.3:0"], &forwarded);
    assert!(forwarded.contains("✓ sources [10.0.0.0/8], hops 1: found \"10.1.2.3:0\"\n"), "{forwarded}");
    let lost = explain(&["--peer", "spiffe://td/ns/edge2", "--direction", "inbound", "--source", "10.1.2.3:99"], gray);
    for line in [
        "✗ peers [spiffe://td/ns/edge]: found spiffe://td/ns/edge2\n",
        "✗ outbound: not by an outbound listener\n",
        "✗ sources [10.0.0.0/8], hops 1: found \"10.1.2.3:99\", which does not stand at that place of x-forwarded-for\n",
        "  decision    stable DEFAULT",
    ] {
        assert!(lost.contains(line), "{line:?} in {lost}");
    }
    let other = explain(&["--direction", "outbound"], &["-H", "x-gray-variant: beta", lane]);
    assert!(other.contains("✗ \"beta\" is none of this rule set's variants\n"), "{other}");
    let nothing = explain(&["--direction", "outbound"], &[lane]);
    assert!(nothing.contains("✗ the request carries no x-gray-variant, or more than one\n"), "{nothing}");
    let nobody = explain(&["--direction", "outbound"], &["-H", "x-gray-variant: canary", "shop.example.com"]);
    assert!(nobody.contains("✗ this rule set trusts nobody: it has no spec.inherit\n"), "{nobody}");
    let logged = |reason: &str, options: &[&str]| {
        let line = format!(
            r#"{{"method":"GET","path":"/","host":"lane.example.com","x-env":"-","x-gray-variant":"canary","variant":"canary","reason":"{reason}"}}"#
        );
        scratch.run(&[&["explain", "-f", "lane.yaml", "--log-line", &line], options].concat(), "").1
    };
    let unknown = logged("INHERITED", &[]);
    let missed = "the log does not tell the direction of the listener, the sender's certificate, the source address";
    assert!(unknown.contains(missed), "{unknown}");
    let same = logged("INHERITED", &["--peer", "spiffe://td/ns/edge"]);
    assert!(same.contains("canary INHERITED") && same.contains("compared  ✓ the log says the same"), "{same}");
    let decided = logged("TARGETING_MATCH", &["--peer", "spiffe://td/ns/edge"]);
    assert!(decided.contains("stable DEFAULT") && decided.contains("✓ everything that was asked"), "{decided}");
    let wrong = scratch.run(&["explain", "-f", "lane.yaml", "--direction", "out", "--", lane], "");
    assert!(wrong.0 == 2 && wrong.2.contains("found \"out\", expected inbound or outbound"), "{}", wrong.2);
}

#[test]
fn bulk_decisions_inherit_too() {
    let scratch = Scratch::with_documents("decide-inherit");
    let inherit = "inherit: {peers: [spiffe://td/ns/edge], outbound: true}\n  variants:";
    scratch.write("lane.yaml", common::rule_set("lane", "stable").replace("variants:", inherit));
    let line = |more: &str| {
        format!(r#"{{"path":"/","host":"lane.example.com","headers":[["x-gray-variant","canary"]]{more}}}"#)
    };
    let lines = [line(r#","peer":"spiffe://td/ns/edge""#), line(r#","direction":"outbound""#), line("")].join("\n");
    let (code, stdout, _) = scratch.run(&["decide", "lane.yaml"], &lines);
    let reasons: Vec<_> = stdout.lines().map(|line| line.contains("INHERITED")).collect();
    assert_eq!((code, reasons), (0, vec![true, true, false]), "{stdout}");
    assert!(stdout.contains(r#"{"ruleSet":"lane","rule":null,"variant":"canary","reason":"INHERITED""#), "{stdout}");
    let options = ["simulate", "-f", "lane.yaml", "--direction", "outbound", "--identities", "10", "-o", "json"];
    let document = common::rule_set("lane", "stable")
        .replace("variants:", &format!("identity: {{from: [{{header: x-id}}]}}\n  {inherit}"));
    scratch.write("lane.yaml", document);
    let (code, stdout, stderr) =
        scratch.run(&[&options[..], &["--", "-H", "x-gray-variant: canary", "lane.example.com"]].concat(), "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let told: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let rule = &told[0]["rules"][0];
    assert_eq!(
        (&rule["reason"], &rule["expected"], &rule["observed"]),
        (&"INHERITED".into(), &1.0.into(), &1.0.into())
    );
}
