use super::*;
use crate::root;

fn rendered(shape: &Shape) -> Rendered {
    let shipped = std::fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    shape.render(&shipped, Ports::SHIPPED, Path::new("/scratch"))
}

fn parsed(shape: &Shape) -> Value {
    serde_saphyr::from_str(&rendered(shape).bootstrap).unwrap()
}

#[test]
fn nothing_asked_for_changes_nothing() {
    let shipped = std::fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    assert_eq!(rendered(&Shape::default()).bootstrap.trim_end(), shipped.trim_end());
}

#[test]
fn control_planes_are_clusters_in_order() {
    let keys = vec![("a".to_owned(), "00".to_owned())];
    let all = parsed(&Shape { more_controls: vec![1, 2], keys, ..Shape::default() });
    let clusters = all["static_resources"]["clusters"].as_array().unwrap();
    let named = |name: &str| clusters.iter().find(|cluster| cluster["name"] == name).unwrap();
    let address = |name: &str| {
        let group = &named(name)["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
        group["endpoint"]["address"]["socket_address"]["port_value"].clone()
    };
    assert_eq!((address("graylane_control_2"), address("graylane_control_3")), (json!(1), json!(2)));
    let fetcher = &all["bootstrap_extensions"][0]["typed_config"]["config"]["configuration"]["value"];
    let fetcher = read(fetcher.as_str().unwrap());
    assert_eq!(fetcher["control"][2]["cluster"], "graylane_control_3");
    assert_eq!(fetcher["keys"], json!({"a": "00"}));
}

#[test]
fn without_a_fetcher_the_filter_is_told_how_to_fetch() {
    let shape = Shape { without_fetcher: true, empty_vm_id: true, more_controls: vec![7], ..Shape::default() };
    let rendered = rendered(&Shape { by_ecds: true, ..shape });
    assert!(!rendered.bootstrap.contains("bootstrap_extensions") && !rendered.bootstrap.contains("vm_id"));
    let (_, filter) = rendered.filter.unwrap();
    let configuration = read(filter["config"]["configuration"]["value"].as_str().unwrap());
    assert_eq!(configuration["fetcher"]["control"][1]["cluster"], "graylane_control_2");
    assert_eq!(filter["config"]["vm_config"]["vm_id"], Value::Null);
}

#[test]
fn the_filter_need_not_be_able_to_fetch() {
    let shape = Shape { filter_never_fetches: true, by_ecds: true, ..Shape::default() };
    let (_, filter) = rendered(&shape).filter.unwrap();
    assert!(!filter["config"]["configuration"]["value"].as_str().unwrap().contains("fetcher"));
    let own = Some(r#"{"ownedHeaders": ["x-a"]}"#.to_owned());
    let (_, filter) = rendered(&Shape { filter: own, by_ecds: true, ..Shape::default() }).filter.unwrap();
    assert_eq!(filter["config"]["configuration"]["value"].as_str().unwrap().trim(), r#"{"ownedHeaders": ["x-a"]}"#);
}

#[test]
fn what_is_discovered_is_left_out() {
    let shape = Shape { by_ecds: true, by_lds: true, tells_revision: true, ..Shape::default() };
    let rendered = rendered(&shape);
    let bootstrap: Value = serde_saphyr::from_str(&rendered.bootstrap).unwrap();
    assert_eq!(bootstrap["static_resources"]["listeners"], Value::Null);
    let manager = &rendered.listeners.unwrap()[0]["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["http_filters"][0]["config_discovery"]["config_source"]["resource_api_version"], "V3");
    assert_eq!(manager["http_filters"][1]["name"], "envoy.filters.http.router");
    let told = &manager["route_config"]["response_headers_to_add"][0]["header"];
    assert_eq!(told["value"], "%FILTER_STATE(wasm.graylane_revision:PLAIN)%");
}
