//! Several filters in one VM: each request is decided by the one it was sent through.

use super::*;

/// Sends a request through the root `id`, whose plugin is called `plugin`; gives why it was decided as it was.
fn through(vm: &mut Vm, id: u32, plugin: &str) -> String {
    host(|host| {
        host.request = Some(vec![(":path".into(), "/".into()), (":authority".into(), "shop".into())]);
        host.state.clear();
        host.root = id;
        host.properties.insert("plugin_name".into(), plugin.into());
    });
    vm.request();
    state("graylane_reason")
}

fn rules() -> String {
    configuration(&[rule_set("a", "shop", "x-feature-flags")])
}

/// A VM whose root 1 has no rules and whose root 2 has some, with plugins of these names.
fn two(first: &str, second: &str) -> Vm {
    let mut vm = Vm::new(1);
    assert!(root(&mut vm, 1, "", first, ""));
    assert!(root(&mut vm, 2, "", second, &rules()));
    vm
}

#[test]
fn filters_are_told_apart_by_their_plugins_names() {
    let mut vm = two("front", "back");
    assert_eq!((through(&mut vm, 1, "front"), through(&mut vm, 2, "back")), ("NO_RULES".into(), "DEFAULT".into()));
    assert!(!host(|host| host.state.keys().any(|key| key.contains("root"))), "names were enough");
}

#[test]
fn filters_of_one_name_are_told_apart_by_what_their_streams_may_write() {
    let mut vm = two("front", "front");
    for _ in 0..2 {
        assert_eq!((through(&mut vm, 1, "front"), through(&mut vm, 2, "front")), ("NO_RULES".into(), "DEFAULT".into()));
    }
    // Names that the host does not give are no names at all.
    host(|host| host.refusals.insert("property", Status::NotFound));
    assert_eq!((through(&mut vm, 1, "x"), through(&mut vm, 2, "y")), ("NO_RULES".into(), "DEFAULT".into()));
}

#[test]
fn a_name_that_the_host_refuses_is_not_that_of_a_plugin_without_one() {
    let mut vm = two("front", "");
    assert_eq!((through(&mut vm, 1, "front"), through(&mut vm, 2, "")), ("NO_RULES".into(), "DEFAULT".into()));
    host(|host| host.refusals.insert("property", Status::NotFound));
    assert_eq!((through(&mut vm, 1, "front"), through(&mut vm, 2, "")), ("NO_RULES".into(), "DEFAULT".into()));
}

#[test]
fn two_filters_of_one_request_are_told_apart_in_either_order() {
    for order in [[1, 2], [2, 1]] {
        let mut vm = two("front", "front");
        through(&mut vm, order[0], "front");
        let marks = host(|host| (host.state.clone(), host.constant.clone()));
        host(|host| (host.request, host.root) = (Some(vec![(":authority".into(), "shop".into())]), order[1]));
        assert!(marks.0.keys().any(|key| key.starts_with("graylane_root_")), "{marks:?}");
        vm.request();
        let expected = if order[1] == 1 { "NO_RULES" } else { "DEFAULT" };
        assert_eq!(state("graylane_reason"), expected, "{order:?}");
    }
}

#[test]
fn where_the_host_does_not_tell_the_newest_decides_and_nothing_owned_passes() {
    let mut vm = Vm::new(1);
    host(|host| host.refusals.insert("declare_constant", Status::NotFound));
    assert!(root(&mut vm, 1, "", "front", r#"{"ownedHeaders": ["x-old"]}"#));
    assert!(root(&mut vm, 2, "", "front", &rules()));
    assert_eq!(through(&mut vm, 1, "front"), "DEFAULT");
    host(|host| {
        let header = |name: &str| (name.as_bytes().to_vec(), b"canary".to_vec());
        host.request = Some(vec![header("x-old"), header("x_old"), header("x-gray-variant"), header("x-other")]);
    });
    vm.request();
    let passed = host(|host| host.request.clone().unwrap());
    assert_eq!(passed, [(b"x-other".to_vec(), b"canary".to_vec())], "{passed:?}");
}

#[test]
fn a_root_that_is_gone_is_no_candidate() {
    let mut vm = two("front", "front");
    host(|host| host.gone.insert(1));
    host(|host| host.root = 2);
    vm.tick(2);
    assert_eq!(through(&mut vm, 2, "front"), "DEFAULT");
    assert!(!host(|host| host.state.keys().any(|key| key.contains("root"))), "one filter needs no telling");
}
