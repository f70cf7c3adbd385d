//! Configurations that the host does not give, or not wholly.

use std::time::Duration;

use super::{
    mesh::{Mesh, call, decides, electable, shop},
    *,
};

/// The public key of RFC 8032, section 7.1, test 1.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// Makes and configures the root `id` of `vm`, where the host tells the size of `text` and gives `given`.
fn root_given(vm: &mut Vm, id: u32, root_id: &str, text: &str, given: Result<&str, Status>) -> bool {
    host(|host| {
        host.configuration = given.unwrap_or_default().into();
        host.properties.insert("plugin_root_id".into(), root_id.into());
        host.properties.insert("plugin_name".into(), "front".into());
        if let Err(status) = given {
            host.refusals.insert("buffer", status);
        }
        host.log.clear();
    });
    crate::logger::install();
    host(|host| host.root = id);
    let taken = vm.configure(id, text.len());
    host(|host| host.refusals.clear());
    taken
}

/// The texts a host could give in the place of `text`, and what the log says of each.
fn cases(text: &str) -> [(Result<&str, Status>, &'static str); 3] {
    [
        (Err(Status::NotFound), "the host does not give the configuration: found NotFound, expected "),
        (Ok(""), "the host does not give the configuration: found 0 bytes, expected "),
        // Blanks at the end: what is left is a configuration, too.
        (Ok(text.trim_end()), "the host does not give the configuration: found "),
    ]
}

#[test]
fn a_fetcher_does_not_run_without_the_keys_of_a_configuration_it_was_not_given() {
    let text = format!(r#"{{"namespace": "shop", "keys": {{"k": "{KEY}"}}}} "#);
    for (given, said) in cases(&text) {
        let mut vm = Vm::new(100);
        assert!(!root_given(&mut vm, 1, "graylane_fetcher", &text, given), "{given:?}");
        let log = host(|host| host.log.join("\n"));
        let expected = format!("expected {} bytes", text.len());
        assert!(log.contains("the configuration is refused: ") && log.contains(said), "{log}");
        assert!(log.contains(&expected), "{log}");
        vm.tick(1);
        assert!(host(|host| host.calls.is_empty()), "it fetches");
    }
    let mut vm = Vm::new(100);
    assert!(root_given(&mut vm, 1, "graylane_fetcher", "", Err(Status::NotFound)), "none is the default one");
}

#[test]
fn a_filter_that_was_not_given_its_configuration_strips_and_neither_decides_nor_fetches() {
    let limited = r#", "limits": {"variants": ["stable"]}} "#;
    let text = electable().trim_end_matches('}').to_owned() + limited;
    for (given, said) in cases(&text) {
        host(|host| *host = Default::default());
        let mut mesh = Mesh::new(1);
        mesh.publish(1, &shop("first"));
        let mut vm = Vm::new(2);
        assert!(root_given(&mut vm, 1, "graylane", &text, given), "on a worker a refusal would be a bypass");
        let log = host(|host| host.log.join("\n"));
        assert!(log.contains(said) && log.contains("decides nothing and fetches nothing"), "{log}");
        mesh.workers.push(vm);
        mesh.pass(Duration::from_millis(300));
        mesh.reported();
        mesh.pass(Duration::from_millis(300));
        request(&mut mesh.workers[1], &get("shop", &[("x-gray-variant", "canary"), ("x-env", "gray")]));
        assert!(header("x-gray-variant").is_empty(), "what a client claims passes");
        assert_eq!((state("graylane_reason"), decides(&mut mesh.workers[0]).1), ("NO_RULES".into(), "1.1".into()));
        // The control plane is told; the fetcher dies, and this VM does not stand.
        let lost = mesh.reported().into_iter().find(|worker| worker["id"] == "0000000000000002").unwrap();
        assert!(lost["error"].as_str().unwrap().contains("did not give the configuration"), "{lost}");
        mesh.lives = false;
        let calls = host(|host| host.calls.len());
        mesh.pass(Duration::from_secs(10));
        assert_eq!((mesh.holder(), host(|host| host.calls.len())), (100, calls));
    }
}

#[test]
fn a_sibling_keeps_its_rules_and_its_keys_beside_a_filter_that_is_lost() {
    let mut mesh =
        Mesh::of(1, &electable().replacen(r#""namespace""#, &format!(r#""keys": {{"k": "{KEY}"}}, "namespace""#), 1));
    mesh.publish(1, &shop("first"));
    assert!(root_given(&mut mesh.workers[0], 2, "graylane", &electable(), Err(Status::InternalFailure)));
    mesh.publish(2, &shop("second"));
    assert_eq!(decides(&mut mesh.workers[0]), ("second/_default".into(), "1.2".into()));
    mesh.lives = false;
    mesh.pass(Duration::from_secs(5));
    assert_eq!(mesh.holder(), 1);
    mesh.publish(3, &shop("third"));
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.2", "nobody signed it");
    assert!(call("/snapshot").1.path().contains("after=1.2&"));
}
