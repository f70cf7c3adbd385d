//! No request can end a VM, hang a worker or turn the next request's decision.

use std::io;

use graylane_integration::{Answer, Control, Mesh, Request, Running, Wire, samples};

fn mesh(name: &str) -> Running<Control> {
    // One worker: the request after the hostile one meets the same VM.
    Mesh::new(name).rules(&samples::header_to_canary("gray")).workers(1).start()
}

/// How many VMs V8 runs.
const ALIVE: &str = "wasm.envoy.wasm.runtime.v8.active";
/// How many were ever made: a VM that died and was made anew is one more.
const CREATED: &str = "wasm.envoy.wasm.runtime.v8.created";

/// Sends what `hostile` does, on a connection of its own, then checks that nothing else noticed.
fn unmoved(
    mesh: &Running<Control>,
    what: &str,
    hostile: impl FnOnce(&mut Wire) -> io::Result<Answer>,
) -> io::Result<Answer> {
    let vms = || [ALIVE, CREATED].map(|stat| mesh.admin().stat(stat).unwrap_or_else(|| panic!("found no stat {stat}")));
    let before = vms();
    let answer = hostile(&mut mesh.connect());
    for (env, variant, rule) in [("gray", "canary", "checkout/qa"), ("blue", "stable", "checkout/_default")] {
        let next = mesh.send(&Request::get("/checkout").header("x-env", env));
        assert_eq!(next.seen().text("x-gray-variant"), Some(variant), "after {what}");
        assert_eq!(mesh.access(&next).rule.as_deref(), Some(rule), "after {what}");
    }
    assert_eq!(vms(), before, "after {what}");
    answer
}

fn status(mesh: &Running<Control>, what: &str, request: &Request) -> u16 {
    unmoved(mesh, what, |wire| wire.exchange(request)).unwrap_or_else(|why| panic!("{what}: {why}")).status
}

#[test]
fn headers_of_any_bytes_size_and_number_are_decided_about() {
    let mesh = mesh("hostile-headers");
    let gray = Request::get("/checkout").header("x-env", "gray");
    let huge = "h".repeat(50 << 10);
    let many = (0..85).fold(gray.clone(), |request, n| request.header(format!("x-{n}"), "v"));
    let cookies = (0..80).fold(gray.clone(), |request, n| request.header("cookie", format!("c{n}=\u{e9};;=;\"")));
    let requests = [
        ("not UTF-8", gray.clone().header("x-name", b"caf\xe9")),
        ("not UTF-8 in what a rule asks about", gray.clone().header("x-env", b"\xff\xfe\x80")),
        (
            "every byte that a value may have",
            gray.clone().header("x-all", (0x80..=0xff).chain(0x21..0x7f).collect::<Vec<u8>>()),
        ),
        ("duplicates", gray.clone().header("x-env", "blue").header("x-env", "gray")),
        ("an empty value", gray.clone().header("x-empty", "")),
        ("a huge header", gray.clone().header("x-huge", &huge)),
        ("a huge value of what a rule asks about", gray.clone().header("x-env", &huge)),
        ("a huge cookie", gray.clone().header("cookie", &huge)),
        ("many headers", many),
        ("many cookies", cookies),
    ];
    for (what, request) in requests {
        assert_eq!(status(&mesh, what, &request), 200, "{what}");
        assert_eq!(mesh.send(&request).seen().upstream, "canary", "{what}: one of its x-env headers is gray");
    }
}

#[test]
fn what_envoy_refuses_is_refused_and_forgotten() {
    let mesh = mesh("hostile-refused");
    let gray = Request::get("/checkout").header("x-env", "gray");
    let many = (0..150).fold(gray.clone(), |request, n| request.header(format!("x-{n}"), "v"));
    let requests = [
        ("no host", gray.clone().without_host(), 400),
        ("a header beyond the limit", gray.clone().header("x-huge", "h".repeat(70 << 10)), 431),
        ("headers beyond the limit", many, 431),
        ("NUL in a value", gray.clone().header("x-nul", b"a\0b"), 400),
        ("CONNECT", Request::new("CONNECT", "shop.example.com:443"), 404),
        ("a method nobody knows", Request::new("BREW", "/"), 400),
        ("a relative path", Request::get("checkout"), 400),
    ];
    for (what, request, expected) in requests {
        assert_eq!(status(&mesh, what, &request), expected, "{what}");
    }
}

/// Targets that somebody will send one day.
const PATHS: [&str; 23] = [
    "/",
    "//",
    "/.",
    "/..",
    "/../../etc/passwd",
    "/%",
    "/%zz",
    "/%00",
    "/%c3%28",
    "/%2e%2e/",
    "/a%2fb",
    "/?",
    "/?&&&=&=",
    "/?x",
    "/?%=%",
    "/#fragment",
    "/;a=b",
    "*",
    "http://shop.example.com/checkout",
    "http://shop.example.com",
    "http://",
    "/\u{7f}",
    "/caf\u{e9}",
];

#[test]
fn paths_of_any_kind_are_answered() {
    let mesh = mesh("hostile-paths");
    let long = format!("/{}", "p".repeat(40 << 10));
    let query = format!("/?{}", "q=%zz&".repeat(5 << 10));
    let paths = PATHS.into_iter().chain([long.as_str(), query.as_str()]);
    for path in paths {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let request = Request::new(method, path).header("content-length", "0").header("connection", "close");
            // Whatever Envoy thinks of it, it says so, and the worker goes on.
            let what = format!("{method} {:.60}", path);
            let answer = unmoved(&mesh, &what, |wire| wire.exchange(&request));
            let status = answer.unwrap_or_else(|why| panic!("{what}: {why}")).status;
            assert!(status < 500, "{what}: found status {status}");
        }
    }
}

#[test]
fn garbage_behind_a_good_request_ends_that_connection_alone() {
    let mesh = mesh("hostile-garbage");
    let good = Request::get("/checkout").header("x-env", "gray").bytes();
    let garbage: [&[u8]; 5] = [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\xff".repeat(4096).leak(),
        b"GET / HTTP/9.9\r\n\r\n",
    ];
    for bytes in garbage {
        let what = format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(24)]));
        let first = unmoved(&mesh, &what, |wire| {
            wire.write(&[good.as_slice(), bytes].concat())?;
            wire.answer()
        });
        // Envoy may close before it answered what came first; if it answers, then rightly.
        if let Ok(first) = first
            && first.status == 200
        {
            assert_eq!(first.seen().upstream, "canary", "before {what}");
        }
    }
}

#[test]
fn pipelined_requests_are_each_decided_by_their_own_headers() {
    let mesh = mesh("hostile-pipeline");
    let variants = ["gray", "blue", "gray", "gray", "blue"];
    let bytes: Vec<u8> = variants.iter().flat_map(|env| Request::get("/").header("x-env", env).bytes()).collect();
    let mut wire = mesh.connect();
    wire.write(&bytes).unwrap();
    for env in variants {
        let expected = if env == "gray" { "canary" } else { "stable" };
        assert_eq!(wire.answer().unwrap().seen().upstream, expected);
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_is_forgotten() {
    let mesh = mesh("hostile-leaving");
    let whole = Request::new("POST", "/checkout").header("x-env", "gray").header("content-length", "100000").bytes();
    for length in [1, 10, whole.len() / 2, whole.len() - 1, whole.len()] {
        let what = format!("{length} of {} bytes", whole.len());
        let left = unmoved(&mesh, &what, |wire| {
            wire.write(&whole[..length])?;
            Err(io::ErrorKind::ConnectionAborted.into())
        });
        assert!(left.is_err());
    }
}
