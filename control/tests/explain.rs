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
fn its_own_options_are_read_strictly() {
    let scratch = Scratch::with_documents("explain-strict");
    for (line, said) in [
        ("-f shop.yaml --owne x-a -- shop", "unexpected argument '--owne' found"),
        ("-f shop.yaml --hlep", "unexpected argument '--hlep' found"),
        ("-v -f shop.yaml -- shop", "unexpected argument '-v' found"),
        ("-f shop.yaml -H x-env:gray shop", "unexpected argument '-H' found"),
        ("-f shop.yaml curl", "<CURL-ARGS>"),
        ("curl shop", "--file <FILE|DIR>"),
        ("-f shop.yaml gone.yaml curl shop", "gone.yaml unreadable: found No such file"),
    ] {
        let words: Vec<_> = ["explain"].into_iter().chain(line.split(' ')).collect();
        let (code, _, stderr) = scratch.run(&words, "");
        assert!(code == 2 && stderr.contains(said), "{line}: {code}: {stderr}");
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
