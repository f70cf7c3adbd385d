//! The API, fuzzed by its own document, while a real Envoy takes what comes of it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use graylane_integration::{Mesh, Request, Wire, eventually, samples};
use serde_json::{Value, json};

#[test]
#[ignore = "needs schemathesis: `make test-api` installs it"]
fn what_the_document_allows_and_what_it_does_not_ends_in_no_server_error_and_no_panic() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut mesh = Mesh::new("openapi").kept().rules(&samples::header_to_canary("one")).start();
    let address = mesh.control().address();
    let fuzzing = || {
        let mut fuzzing = Command::new(home.join("../.tools/venv-schemathesis/bin/schemathesis"));
        fuzzing.current_dir(home.join("tests/openapi")).args([
            "--config-file",
            "schemathesis.toml",
            "--no-color",
            "run",
        ]);
        fuzzing.arg(format!("http://{address}/v1/openapi.json")).args(["--exclude-path", "/v1/events"]);
        fuzzing.args(["--exclude-path", "/page/live"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        fuzzing.spawn().expect("schemathesis starts")
    };
    // Two ask at once, and are told apart by the store.
    for fuzzed in [fuzzing(), fuzzing()].map(|fuzzing| fuzzing.wait_with_output().expect("schemathesis runs")) {
        let said = String::from_utf8_lossy(&fuzzed.stdout);
        println!("{said}{}", String::from_utf8_lossy(&fuzzed.stderr));
        // A handler that panics answers nothing, which is a fault there.
        assert!(fuzzed.status.success(), "what schemathesis found stands above");
    }

    // Whatever it did is a revision like any other: it is taken back, and Envoy runs what is published then.
    let head = Request::get("/v1/namespaces/default/revisions/head").host("control").header("connection", "close");
    let head = Wire::open(address).and_then(|mut wire| wire.exchange(&head)).expect("the head");
    let head: Value = serde_json::from_slice(&head.body).expect("a manifest");
    let named = |list: &str| head["overlay"][list].as_array().cloned().unwrap_or_default();
    for (verb, entries) in [("unfreeze", named("frozen")), ("on", named("off"))] {
        for entry in entries {
            let rule_set = entry.get("ruleSet").cloned().unwrap_or(entry);
            mesh.control().propose(verb, &json!({"reason": "the fuzzer is done", "ruleSet": rule_set}));
        }
    }
    mesh.control().publish(&[samples::header_to_canary("two")], "ann", "over");
    eventually("Envoy to run it", || {
        let upstream = mesh.send(&Request::get("/").header("x-env", "two")).seen().upstream;
        if upstream == "canary" { Ok(()) } else { Err(format!("found {upstream}, expected canary")) }
    });
}
