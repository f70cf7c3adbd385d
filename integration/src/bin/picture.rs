//! `picture`: makes docs/page.png anew, the overview as a real browser shows it while real requests are decided.

use graylane_integration::{Mesh, Prometheus, Request, browser, browser::Browser, load::Load, prometheus, root};

/// A rule set with three variants.
fn search(weights: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {{name: search}}
spec:
  scope: {{hosts: [search.example.com]}}
  output: {{variantHeader: x-search-variant}}
  identity: {{from: [{{header: x-user-id}}]}}
  variants: [stable, ranker-b, ranker-c]
  default: stable
  splits: {{ranking: {{weights: {weights}, experiment: exp-ranking}}}}
  rules: [{{id: everybody, when: {{identity: {{present: true}}}}, split: ranking}}]
"
    )
}

fn main() {
    let program = browser::find().unwrap_or_else(|why| panic!("{why}"));
    let checkout =
        std::fs::read_to_string(root().join("envoy/rules/checkout.yaml")).expect("envoy/rules/checkout.yaml");
    let before = search("{stable: 80, ranker-b: 15, ranker-c: 5}");
    let after = search("{stable: 70, ranker-b: 25, ranker-c: 5}");
    let prometheus = Prometheus::start(&prometheus::find().unwrap_or_else(|why| panic!("{why}")));
    let owned = r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags", "x-search-variant"]}"#;
    let mesh =
        Mesh::new("picture").kept().control_options(&["--observe", &prometheus.url()]).filter_configuration(owned);
    let mut mesh = mesh.rules(&checkout).rules(&before).workers(3).start();
    prometheus.scrape(mesh.admin());
    mesh.control().publish(&[checkout, after], "ben", "ranker-b to a quarter: a week without complaints");
    let user = |user: usize, host: &str| Request::get("/").host(host).header("x-user-id", format!("user-{user}"));
    let requests = (0..4_000).map(|number| user(number, ["shop.example.com", "search.example.com"][number % 2]));
    let load = Load::of(1_000).over(16).requests(requests.collect()).start(mesh.envoy().address());
    load.await_more(8_000);
    drop(load);
    let mut browser = Browser::start(&program);
    browser.resize(900, 1_000);
    browser.open(&format!("http://{}/", mesh.control().address()));
    let everybody = "document.querySelectorAll('tr.worker.current').length === 4";
    browser.eventually("every worker to run it", &format!("{everybody} && document.body.innerText.includes('live')"));
    let picture = root().join("docs/page.png");
    std::fs::write(&picture, browser.picture()).expect("docs/page.png");
    println!("{}", picture.display());
}
