//! What an event of a script does.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    time::Duration,
};

use graylane::fuzzing::{Status, host};
use graylane_rules::Revision;

use super::{
    contents::{CONFIGURATIONS, Configuration, SNAPSHOTS},
    envoy::{Envoy, Root, VMS},
    publication::{By, NAMESPACE, envelope},
    requests,
    script::{Event, REFUSABLE},
};

/// Lets `event` happen.
pub(super) fn happen(envoy: &mut Envoy, mut event: Event<'_>) {
    match event.verb {
        b"root" => root(envoy, event),
        b"gone" => {
            let (vm, root) = (event.below(VMS), event.number() as u32);
            envoy.vms[vm].gone.insert(root);
        }
        b"trap" => envoy.trap(event.below(VMS)),
        b"tick" => {
            let (vm, root) = (event.below(VMS), event.number() as u32);
            envoy.enter(vm, root, |vm| vm.tick(root));
        }
        b"pass" => envoy.pass(Duration::from_millis(event.number().min(2_000)), Duration::from_millis(100)),
        b"time" => host(|host| host.now += Duration::from_millis(event.number().min(1 << 40))),
        b"wall" => host(|host| host.unix_time = event.number()),
        b"ready" => {
            let (vm, root, token) = (event.below(VMS), event.number() as u32, event.number() as u32);
            envoy.enter(vm, root, |vm| vm.queue_ready(root, token));
        }
        b"call" => envoy.call_back(50),
        b"lose" | b"push" => queue(envoy, event),
        b"publish" | b"mangled" => publish(envoy, event),
        b"answer" => answer(envoy, event),
        b"report" => {
            let call = newest(envoy, "/acks");
            deliver(envoy, call, event.word(), b"", b"");
        }
        b"shared" | b"flip" | b"copy" | b"remember" | b"recall" => shared(envoy, event),
        b"refuse" => refuse(event),
        b"allow" => host(|host| {
            host.refusals.clear();
            (host.call_fails, host.answer_fails) = (None, None);
        }),
        b"request" => {
            // The parent of a stream is a root, and a context whose parent is 0 is one itself.
            let (vm, root) = (event.below(VMS), event.number().max(1) as u32);
            requests::request(envoy, vm, root, event.rest());
        }
        b"trailers" => {
            let vm = event.below(VMS);
            requests::trailers(envoy, vm, event.rest());
        }
        _ => {}
    }
}

fn root(envoy: &mut Envoy, mut event: Event<'_>) {
    let (vm, root, plugin, text) = (event.below(VMS), event.number() as u32, event.word(), event.rest());
    // The host counts from 1, and 0 would be a parent's.
    let root = root.clamp(1, 99);
    let named = CONFIGURATIONS.iter().find(|configuration| configuration.name.as_bytes() == text);
    let (fetcher, text) = match named {
        Some(Configuration { fetcher, text, .. }) => (*fetcher, text.as_bytes()),
        None => text.strip_prefix(b"fetcher").map_or((false, text), |text| (true, text)),
    };
    let root_id: &[u8] = if fetcher { b"graylane_fetcher" } else { b"graylane" };
    host(|host| {
        host.configuration = text.to_vec();
        host.properties.insert("plugin_root_id".into(), root_id.to_vec());
        host.properties.insert("plugin_name".into(), plugin.to_vec());
    });
    // Whose configuration the host withholds has no keys and no limits, so it takes no rules and fetches none; without its
    // name a fetcher is a filter.
    let [withheld, nameless] = host(|host| ["buffer", "property"].map(|call| host.refusals.contains_key(call)));
    let named = named.filter(|_| !withheld && !nameless);
    match named {
        Some(Configuration { signed, .. }) => envoy.record.unsigned |= *signed == Some(false),
        None => envoy.record.anything |= !withheld,
    }
    let slot = &mut envoy.vms[vm];
    slot.gone.remove(&root);
    slot.roots.remove(&root);
    let taken = envoy.enter(vm, root, |vm| vm.configure(root));
    let readable = host(|host| host.refusals.is_empty());
    assert!(taken || named.is_none() || !readable, "a configuration without errors is refused");
    if taken {
        envoy.rooted += 1;
        let plugin = BuildHasherDefault::<DefaultHasher>::default().hash_one(plugin);
        envoy.vms[vm].roots.insert(root, Root { fetcher, named, plugin, number: envoy.rooted });
    }
}

fn queue(envoy: &mut Envoy, mut event: Event<'_>) {
    let token = event.number() as usize;
    let lost = event.verb == b"lose";
    host(|host| {
        let Some(queue) = token.checked_sub(1).and_then(|place| host.queues.get_mut(place)) else { return };
        match lost {
            true => queue.items.clear(),
            false => queue.items.push_back(event.rest().to_vec()),
        }
    });
    envoy.pushed += 1;
}

fn publish(envoy: &mut Envoy, mut event: Event<'_>) {
    let revision = Revision { epoch: event.number(), number: event.number() };
    let snapshot = &SNAPSHOTS[event.below(SNAPSHOTS.len())];
    let signer = By::ALL[event.below(By::ALL.len())];
    let mut body = envelope(NAMESPACE, revision, snapshot, signer);
    if event.verb == b"mangled" {
        let at = event.below(body.len());
        body[at] = event.number() as u8;
    }
    let call = newest(envoy, "/snapshot");
    deliver(envoy, call, b"200", graylane_rules::envelope::MEDIA_TYPE.as_bytes(), &body);
}

fn answer(envoy: &mut Envoy, mut event: Event<'_>) {
    let call = match event.number() {
        0 => newest(envoy, "/snapshot"),
        token => Some(token as u32),
    };
    let (status, media_type) = (event.word(), event.word());
    deliver(envoy, call, status, media_type, event.rest());
}

/// The token of the newest call of a path with `part` that was not answered.
pub(super) fn newest(envoy: &Envoy, part: &str) -> Option<u32> {
    host(|host| {
        let open = |place: usize| envoy.calls.get(place).is_some_and(|call| !call.answered);
        let place =
            (0..host.calls.len()).rev().find(|&place| open(place) && host.calls[place].path().contains(part))?;
        u32::try_from(place + 1).ok()
    })
}

/// Answers the call `token` at the context that made it; one that never was goes to the fetcher's.
pub(super) fn deliver(envoy: &mut Envoy, token: Option<u32>, status: &[u8], media_type: &[u8], body: &[u8]) {
    let Some(token) = token else { return };
    let asked = (token as usize).checked_sub(1).and_then(|place| envoy.calls.get_mut(place));
    let (vm, root) = match asked {
        Some(asked) => {
            asked.answered = true;
            (asked.vm, asked.root)
        }
        None => (0, 1),
    };
    let unix = host(|host| {
        host.response = vec![(b":status".to_vec(), status.to_vec()), (b"content-type".to_vec(), media_type.to_vec())];
        host.body = body.to_vec();
        host.unix_time
    });
    let broken = status == b"-";
    if !broken {
        envoy.record.note(body, unix);
    }
    envoy.enter(vm, root, |vm| vm.answered(root, token, if broken { 0 } else { 2 }));
}

fn shared(envoy: &mut Envoy, mut event: Event<'_>) {
    let key = key(event.word());
    let Some(key) = key else { return };
    let now = host(|host| host.shared.get(&key).cloned());
    let value = match event.verb {
        b"shared" => Some(event.rest().to_vec()),
        b"flip" => now.map(|(mut value, _)| {
            let at = event.below(value.len().max(1));
            value.get_mut(at).into_iter().for_each(|byte| *byte = event.number() as u8);
            value
        }),
        b"copy" => self::key(event.word())
            .and_then(|other| host(|host| host.shared.get(&other).cloned()))
            .map(|(value, _)| value),
        b"remember" => {
            now.map(|(value, _)| envoy.remembered.insert(key, value));
            return;
        }
        _ => envoy.remembered.get(&key).cloned(),
    };
    let Some(value) = value else { return };
    envoy.meddled |= key == "graylane/pointer" || key == "graylane/lease";
    // As the host does: a write has a number of its own.
    host(|host| {
        let cas = host.shared.values().map(|(_, cas)| *cas).max().unwrap_or(0).wrapping_add(1);
        host.shared.insert(key, (value, cas));
    });
}

fn key(word: &[u8]) -> Option<String> {
    let name = match word {
        b"p" => "pointer",
        b"l" => "lease",
        [slot @ b'a'..=b'i'] => return Some(format!("graylane/{}", char::from(*slot))),
        _ => return None,
    };
    Some(format!("graylane/{name}"))
}

fn refuse(mut event: Event<'_>) {
    let call = event.word();
    let status = match event.number() {
        0 => Status::NotFound,
        1 => Status::BadArgument,
        2 => Status::Empty,
        3 => Status::CasMismatch,
        4 => Status::InternalFailure,
        other => Status::Other(other as u32),
    };
    let Some(name) = REFUSABLE.iter().find(|name| name.as_bytes() == call) else { return };
    host(|host| match *name {
        "http_call" => host.call_fails = Some(status),
        "send_local_response" => host.answer_fails = Some(status),
        name => _ = host.refusals.insert(name, status),
    });
}
