//! Whom an Envoy believes: keys are replaced without a loss, what nobody vouches for changes nothing, and of several control
//! planes the next is asked where one is lost.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use graylane_integration::{
    FakeControl, Mesh, Running, Signer, eventually,
    fake_control::{Envelope, Reply},
    history::{BOUND, Bounds, Recorder, Window},
    load::BETWEEN,
    samples,
};
use graylane_rules::Revision;

/// How often a worker looks for a new revision where nobody calls it, as shipped.
const TICK: Duration = Duration::from_millis(200);

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).rules(&samples::numbered(0)).workers(2).recorded_by(recorder)
}

fn refusals<C>(mesh: &Running<C>) -> u64 {
    mesh.metric("snapshots_refused_total").unwrap_or(0)
}

/// Waits until the fetcher has refused something more than `before`.
fn await_refusal<C>(before: u64, mesh: &Running<C>) {
    eventually("a refusal", || if refusals(mesh) > before { Ok(()) } else { Err("found none".to_owned()) });
}

// ---- keys of the real control plane

#[test]
fn a_control_plane_that_comes_back_with_another_trusted_key_loses_nothing() {
    let (a, b) = (Signer::of("a", 1), Signer::of("b", 2));
    let recorder = Recorder::new();
    let mut mesh = mesh("rotation", &recorder).signed_by(&[&a, &b]).start();
    let load = mesh.load(&recorder);
    mesh.publish_under(&load, 1);
    let from = recorder.now();
    let scratch = mesh.scratch().to_owned();
    mesh.control().kill();
    mesh.control().sign_with(Some(&b), &scratch);
    mesh.control().start_again();
    mesh.await_everyone();
    let without_control = Window { from, to: recorder.now() };
    mesh.publish_under(&load, 2);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(without_control), 2 * BETWEEN);

    // With a key that nobody trusts, and with none, it brings nothing.
    for signer in [Some(Signer::of("c", 3)), Some(Signer::of("a", 3)), None] {
        let before = refusals(&mesh);
        mesh.control().kill();
        mesh.control().sign_with(signer.as_ref(), &scratch);
        mesh.write(&[samples::numbered(3)]);
        mesh.control().start_again();
        await_refusal(before, &mesh);
        assert_eq!(mesh.flags().as_deref(), Some("n=2"), "signed by {signer:?}");
    }
    mesh.control().kill();
    mesh.control().sign_with(Some(&a), &scratch);
    mesh.control().start_again();
    mesh.await_everyone();
    assert_eq!(mesh.flags().as_deref(), Some("n=3"));
}

#[test]
fn keys_replaced_by_sighup_lose_nothing() {
    let (a, b) = (Signer::of("a", 1), Signer::of("b", 2));
    let recorder = Recorder::new();
    let mut mesh = mesh("sighup", &recorder).signed_by(&[&a, &b]).start();
    let keys = mesh.scratch().join("keys");
    std::fs::create_dir(&keys).expect("a directory of keys");
    a.write(&keys);
    mesh.control().kill();
    mesh.control().sign_with_all_in(&keys);
    mesh.control().start_again();
    mesh.await_everyone();

    let load = mesh.load(&recorder);
    for (n, present, absent) in [(1, vec![&a, &b], vec![]), (2, vec![&b], vec![&a]), (3, vec![&a, &b], vec![])] {
        present.iter().for_each(|signer| drop(signer.write(&keys)));
        absent
            .iter()
            .for_each(|signer| std::fs::remove_file(keys.join(format!("{}.pem", signer.id()))).expect("a key"));
        let ids: Vec<_> = present.iter().map(|signer| signer.id().to_owned()).collect();
        mesh.control().hang_up();
        eventually("control to sign with these keys", || {
            let found = mesh.control().status()?.signed_by;
            if found == ids { Ok(()) } else { Err(format!("expected {ids:?}, found {found:?}")) }
        });
        mesh.publish_under(&load, n);
    }
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND), 3 * BETWEEN);
}

// ---- envelopes, right and wrong

const fn revision(number: u64) -> Revision {
    Revision { epoch: 100, number }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

fn envelope(number: u64) -> Envelope {
    Envelope::of(revision(number), &[samples::numbered(u32::try_from(number).expect("a small number"))])
}

fn good(number: u64, signer: &Signer) -> Reply {
    Reply::Good { revision: revision(number), envelope: envelope(number).signed_by(signer).seal() }
}

/// Serves what `signer` signed, then each of `bad`, after which it is still in use, and something good again.
fn refuses(name: &str, shape: impl Fn(Mesh) -> Mesh, signer: &Signer, bad: Vec<(&str, Envelope)>) {
    let fake = FakeControl::start(good(1, signer));
    let mut mesh = shape(Mesh::new(name).trusting(&[signer])).start_with(fake);
    let vms = mesh.vms();
    mesh.control().await_everyone(revision(1), vms);
    for (what, envelope) in bad {
        let before = refusals(&mesh);
        mesh.control().reply(Reply::envelope(envelope.seal()));
        await_refusal(before, &mesh);
        // Were it taken as well, every VM would have it with its next tick.
        let begin = Instant::now();
        while begin.elapsed() < 2 * TICK {
            assert_eq!(mesh.flags().as_deref(), Some("n=1"), "after {what}");
        }
    }
    mesh.control().reply(good(9, signer));
    mesh.control().await_everyone(revision(9), vms);
    assert_eq!(mesh.flags().as_deref(), Some("n=9"));
}

/// Envelopes with rules 2 that must not be taken by whoever trusts `signer` alone.
fn untrusted(signer: &Signer) -> Vec<(&'static str, Envelope)> {
    let (stranger, impostor) = (Signer::of("stranger", 8), Signer::of(signer.id(), 9));
    let now = unix_now();
    vec![
        ("no signature", envelope(2)),
        ("a stranger's", envelope(2).signed_by(&stranger)),
        ("another key's of the same id", envelope(2).signed_by(&impostor)),
        ("a signature about another revision", envelope(2).signature(signer.id(), &signature_of(&envelope(3), signer))),
        (
            "a signature before the expiry was changed",
            envelope(2).expires(now + 60).signed_by(signer).expires(now + 600),
        ),
        ("an expired one", envelope(2).issued(now - 20).expires(now - 10).signed_by(signer)),
        ("another namespace's", envelope(2).namespace("other").signed_by(signer)),
    ]
}

/// The signature by `signer` of what `envelope` says.
fn signature_of(envelope: &Envelope, signer: &Signer) -> String {
    let sealed = envelope.clone().signed_by(signer).seal();
    let (head, _) = graylane_rules::envelope::open(&sealed).expect("an envelope");
    head.signatures[0].ed25519.clone()
}

#[test]
fn a_fetcher_with_keys_takes_only_what_one_of_them_signed_and_only_before_it_expires() {
    let signer = Signer::of("release", 1);
    refuses("untrusted", |mesh| mesh, &signer, untrusted(&signer));
}

#[test]
fn an_elected_vm_takes_only_that_as_well() {
    let signer = Signer::of("release", 1);
    refuses("untrusted-elected", Mesh::without_fetcher, &signer, untrusted(&signer));
}

#[test]
#[should_panic(expected = "after a good one")]
fn this_very_check_notices_what_is_taken() {
    let signer = Signer::of("release", 1);
    refuses("trusted", |mesh| mesh, &signer, vec![("a good one", envelope(2).signed_by(&signer))]);
}

#[test]
fn what_runs_never_expires_but_a_recorded_envelope_is_not_given_to_a_new_envoy() {
    let signer = Signer::of("release", 1);
    let expires = unix_now() + 4;
    let recorded = envelope(1).expires(expires).signed_by(&signer).seal();
    let fake = FakeControl::start(Reply::Good { revision: revision(1), envelope: recorded });
    let mut mesh = Mesh::new("expired").trusting(&[&signer]).start_with(fake);
    let vms = mesh.vms();
    mesh.control().await_everyone(revision(1), vms);
    eventually("the envelope to expire", || {
        let now = unix_now();
        if now > expires { Ok(()) } else { Err(format!("found {now}, expected more than {expires}")) }
    });
    assert_eq!(mesh.flags().as_deref(), Some("n=1"));
    mesh.envoy_mut().kill();
    mesh.envoy_mut().start_again();
    await_refusal(0, &mesh);
    assert_eq!(mesh.flags(), None);
    mesh.control().reply(good(2, &signer));
    mesh.control().await_everyone(revision(2), vms);
    assert_eq!(mesh.flags().as_deref(), Some("n=2"));
}

// ---- several control planes

/// A control plane that was lost is not asked again before the next one's answer.
const SHORT_QUESTIONS: &str = r#"{"namespace": "default", "wait": "1s"}"#;

#[test]
fn where_the_first_control_plane_is_lost_the_spare_is_asked_and_the_first_again_when_it_is_back() {
    let recorder = Recorder::new();
    let mut mesh = mesh("spare", &recorder).clusters(2).fetcher_configuration(SHORT_QUESTIONS).start();
    let load = mesh.load(&recorder);
    mesh.publish_under(&load, 1);
    let from = recorder.now();
    mesh.control().kill();
    for n in 2..=4 {
        let documents = [samples::numbered(n)];
        mesh.write(&documents);
        let vms = mesh.vms();
        mesh.spare(0).await_everyone(&documents, vms);
        load.await_more(BETWEEN);
    }
    mesh.control().start_again();
    // When the first has rested, and the question has ended that the spare holds.
    mesh.write(&[samples::numbered(5)]);
    mesh.await_everyone();
    let by_the_spare = Window { from, to: recorder.now() };
    mesh.publish_under(&load, 6);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(by_the_spare), 5 * BETWEEN);
}

#[test]
fn a_control_plane_that_was_lost_is_asked_again_although_nothing_changes() {
    let mesh = Mesh::new("spare-idle").rules(&samples::numbered(1)).clusters(2);
    let mut mesh = mesh.fetcher_configuration(SHORT_QUESTIONS).start();
    let (documents, vms) = ([samples::numbered(1)], mesh.vms());
    mesh.control().kill();
    mesh.spare(0).await_everyone(&documents, vms);
    mesh.control().start_again();
    mesh.await_everyone();
    assert_eq!(mesh.flags().as_deref(), Some("n=1"));
}
