//! The page in a real browser: it says what a real Envoy runs, and says it anew while a revision spreads.

use std::path::PathBuf;

use graylane_integration::{
    Control, Mesh, Prometheus, Request, Running, browser, browser::Browser, prometheus, samples,
};
use serde_json::json;

/// So many requests of as many users are counted: each is one in a hundred.
const USERS: u32 = 100;

/// The browser; without one nothing is tested.
fn found() -> Option<PathBuf> {
    or_skipped(browser::find())
}

fn or_skipped(found: Result<PathBuf, String>) -> Option<PathBuf> {
    found.inspect_err(|why| eprintln!("\n**** SKIPPED, nothing was tested: {why} ****\n")).ok()
}

fn url(mesh: &mut Running<Control>, path: &str) -> String {
    format!("http://{}{path}", mesh.control().address())
}

/// How many rows of workers say that they run the revision of this number and nothing against it.
fn running(number: &str) -> String {
    format!(
        "[...document.querySelectorAll('tr.worker.current')]\
         .filter((row) => row.dataset.state.endsWith('.{number} current')).length"
    )
}

#[test]
#[ignore = "needs a browser: `make test-page` has one made ready"]
fn the_page_follows_a_revision_while_it_spreads() {
    let Some(program) = found() else { return };
    let mut mesh = Mesh::new("page").kept().rules(&samples::header_to_canary("one")).workers(2).start();
    let mut browser = Browser::start(&program);
    browser.open(&url(&mut mesh, "/"));
    browser.eventually("the page to be live", "document.getElementById('live').textContent === 'live'");
    assert_eq!(browser.value(&running("1")), 3, "{}", browser.value("document.body.innerText"));
    // Whatever is loaded anew loses this.
    browser.value("window.here = true");

    mesh.control().publish(&[samples::header_to_canary("two")], "ann", "testers say two now");
    browser.eventually("every worker on revision 2", &format!("{} === 3", running("2")));
    browser.eventually("the reason to be told", "document.body.innerText.includes('testers say two now')");
    assert_eq!(browser.value("document.querySelectorAll('tr.worker.fresh').length > 0"), true, "rows that changed");
    mesh.control().propose("off", &json!({"actor": "ann", "reason": "it burns"}));
    browser.eventually("the switch to be loud", "document.body.innerText.includes('All rule sets are off')");
    assert_eq!(browser.value("window.here"), true, "the page was loaded again");
    assert_well_behaved(&mut browser, &url(&mut mesh, "/"));
}

#[test]
#[ignore = "needs a browser: `make test-page` has one made ready"]
fn pages_are_linked_and_the_form_explains() {
    let Some(program) = found() else { return };
    let mut mesh = Mesh::new("page-form").kept().rules(&samples::header_to_canary("one")).start();
    let mut browser = Browser::start(&program);
    browser.open(&url(&mut mesh, "/explain"));
    browser.value(
        "document.getElementById('url').value = 'http://shop.example.com/<b>'; \
         document.getElementById('headers').value = 'x-env: one'; document.querySelector('form').requestSubmit()",
    );
    browser.eventually("an explanation", "document.getElementById('explanation')?.innerText.includes('✓ qa') === true");
    let said = browser.value("document.getElementById('explanation').innerText");
    assert!(said.as_str().is_some_and(|said| said.contains("set         x-gray-variant: canary")), "{said}");
    for link in ["History", "Overview", "checkout"] {
        let find = format!("[...document.links].find((link) => link.innerText === '{link}')");
        let path = browser.value(&format!("{find}.pathname"));
        browser.value(&format!("{find}.click()"));
        browser.eventually("the page behind a link", &format!("location.pathname === {path} && document.title !== ''"));
    }
    browser.eventually("the rule set", "document.body.innerText.includes('variants: [stable, canary]')");
    assert_well_behaved(&mut browser, &url(&mut mesh, "/"));
}

#[test]
#[ignore = "needs a browser: `make test-page` has one made ready"]
fn pages_fit_a_small_screen() {
    let Some(program) = found() else { return };
    let name = "a-rule-set-whose-name-is-as-long-as-names-may-get-and-has-no-ga";
    let long = samples::header_to_canary("one").replace("name: checkout", &format!("name: {name}"));
    let mut mesh = Mesh::new("page-narrow").kept().rules(&long).workers(2).start();
    let reason = "averyveryverylongwordwithoutanyplacewhereitcouldbebroken".repeat(3);
    mesh.control().propose("freeze", &json!({"actor": "ann", "reason": reason}));
    let mut browser = Browser::start(&program);
    browser.resize(360, 740);
    let revision = mesh.control().status().unwrap().revision.unwrap();
    for path in
        ["/", "/history", &format!("/history/{revision}"), &format!("/rule-sets/{name}"), "/explain?url=http://a/"]
    {
        for scheme in ["light", "dark"] {
            browser.prefer("prefers-color-scheme", scheme);
            browser.open(&url(&mut mesh, path));
            let width = browser.value("document.documentElement.scrollWidth");
            assert!(width.as_u64().is_some_and(|width| width <= 360), "{path}: found a page {width} pixels wide");
        }
    }
    assert_well_behaved(&mut browser, &url(&mut mesh, "/"));
}

#[test]
#[ignore = "needs a browser: `make test-page` has one made ready"]
fn what_envoy_counts_stands_beside_what_is_meant() {
    let Some(program) = found() else { return };
    let Some(measuring) = or_skipped(prometheus::find()) else { return };
    let rules = samples::header_to_canary("one");
    let rules = rules.replace(
        "  variants:",
        "  identity: {from: [{header: x-user-id}]}\n  splits: {half: {weights: {stable: 50, canary: 50}}}\n  variants:",
    );
    let rules = format!("{rules}    - {{id: others, when: {{identity: {{present: true}}}}, split: half}}\n");
    let prometheus = Prometheus::start(&measuring);
    let mut mesh =
        Mesh::new("page-observed").kept().control_options(&["--observe", &prometheus.url()]).rules(&rules).start();
    prometheus.scrape(mesh.admin());
    let everybody = || {
        let user = |user: u32| mesh.send(&Request::get("/").header("x-user-id", user.to_string()));
        (0..USERS).map(user).filter(|answer| answer.seen().text("x-gray-variant") == Some("canary")).count()
    };
    // A counter is first seen with what it has then: what is observed is what comes after.
    let canary = everybody();
    prometheus.knows_of(u64::from(USERS));
    assert_eq!(everybody(), canary, "the same users");
    prometheus.knows_of(2 * u64::from(USERS));
    let mut browser = Browser::start(&program);
    browser.open(&url(&mut mesh, "/rule-sets/checkout"));
    let shown = format!("canary {} %", canary * 100 / usize::try_from(USERS).unwrap());
    let seen = "document.querySelector('figure.thin')?.innerText";
    browser.eventually("what was observed", &format!("{seen}?.includes('observed, ') === true"));
    let said = browser.value(seen);
    assert!(
        said.as_str().is_some_and(|said| said.contains(&shown) && !said.contains("observed, 0.0")),
        "{shown}: {said}"
    );
    browser.open(&url(&mut mesh, "/"));
    browser.eventually("bars of both", "document.querySelectorAll('figure.bar').length === 2");
    assert_well_behaved(&mut browser, &url(&mut mesh, "/"));
}

/// Nothing complained, nothing was asked of anybody else, and the policy of the page holds.
fn assert_well_behaved(browser: &mut Browser, origin: &str) {
    assert_eq!(browser.value("window.violations"), json!([]), "violations of the policy");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let strange: Vec<_> = browser.requests().into_iter().filter(|url| !url.starts_with(origin)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    // This very check notices what is forbidden.
    let script =
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))";
    browser.value(script);
    browser.eventually("the policy to be broken", "window.violations.length === 1");
    assert_eq!(browser.value("window.ran === undefined"), true, "a script in the page ran");
    let is_told = !browser.complaints().is_empty();
    assert!(is_told, "a violation was not complained of");
}
