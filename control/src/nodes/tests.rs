//! Envoys that report, on a clock that is set.

use super::{
    node::{GONE, SILENT},
    report::Worker,
    *,
};
use crate::clock::Clock;

fn report(node: &str, workers: &[(&str, Option<&str>, Role)]) -> Report {
    let workers = workers.iter().map(|(id, revision, role)| Worker {
        id: (*id).to_owned(),
        revision: revision.map(|revision| revision.parse().unwrap()),
        formats: vec![1],
        error: None,
        refused: None,
        role: Some(*role),
    });
    let node = report::Node { id: node.to_owned(), cluster: String::new() };
    Report { node, fetcher: None, trouble: None, workers: workers.collect() }
}

/// A report of one worker.
fn runs(node: &str, revision: Option<&str>) -> Report {
    report(node, &[("a1", revision, Role::Worker)])
}

/// Envoys and the clock of their reports.
struct Scene {
    nodes: Nodes,
    clock: Clock,
}

impl Scene {
    fn new() -> Self {
        Self { nodes: Nodes::default(), clock: Clock::standing() }
    }

    fn after(&mut self, time: Duration, report: Report) -> Taken {
        self.clock.advance(time);
        self.nodes.take(report, self.clock.now()).unwrap()
    }

    fn publish(&mut self, revision: &str) -> bool {
        let now = self.clock.now().steady;
        self.nodes.await_revision(revision.parse().unwrap(), now, now)
    }

    fn outcome(&self) -> (u64, u64, Option<Duration>) {
        let effects = &self.nodes.effects;
        (effects.count, effects.superseded, effects.last)
    }

    fn tally(&self) -> Tally {
        self.nodes.tally(self.clock.now().steady)
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn time_to_effect_ends_with_the_last_worker_and_waits_for_no_main_thread() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("b", Some("1.1")));
    let accepted = scene.clock.now().steady;
    scene.clock.advance(ms(3));
    assert!(!scene.nodes.await_revision("1.2".parse().unwrap(), accepted, scene.clock.now().steady));
    let first = [("a1", Some("1.2"), Role::Worker), ("a2", Some("1.1"), Role::Main)];
    let taken = scene.after(ms(2), report("a", &first));
    assert_eq!((taken.completed, taken.effect, scene.outcome()), (false, None, (0, 0, None)));
    let taken = scene.after(ms(4), runs("b", Some("1.3")));
    assert_eq!((taken.completed, taken.effect, scene.outcome()), (true, Some(ms(9)), (1, 0, Some(ms(9)))));
    let taken = scene.after(ms(11), runs("b", Some("1.3")));
    assert_eq!((taken.completed, taken.effect, scene.outcome()), (false, None, (1, 0, Some(ms(9)))));
}

#[test]
fn a_report_that_was_overtaken_takes_nothing_back() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("a", Some("1.2")));
    let taken = scene.after(ms(5), runs("a", Some("1.1")));
    assert_eq!(taken.verdicts.acks, 0);
    let known = |scene: &Scene| scene.nodes.nodes["a"].workers[0].worker.revision.map(|runs| runs.to_string());
    assert_eq!(known(&scene).as_deref(), Some("1.2"));
    assert_eq!(scene.after(ms(5), runs("a", Some("1.3"))).verdicts.acks, 1);
    assert_eq!(known(&scene).as_deref(), Some("1.3"));
}

#[test]
fn what_is_followed_before_its_effect_is_superseded() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("a", Some("1.1")));
    assert!(!scene.publish("1.2"));
    assert!(scene.publish("1.3"));
    assert_eq!(scene.after(ms(5), runs("a", Some("1.2"))).effect, None);
    assert_eq!(scene.after(ms(5), runs("a", Some("1.3"))).effect, Some(ms(10)));
    assert_eq!(scene.outcome(), (1, 1, Some(ms(10))));
    assert!(!scene.publish("1.4"), "the one before came into effect");
}

#[test]
fn nothing_is_slow_because_the_first_envoy_starts_late() {
    let mut scene = Scene::new();
    scene.publish("1.1");
    let taken = scene.after(ms(3_600_000), runs("a", Some("1.1")));
    assert_eq!((taken.completed, taken.effect, scene.outcome()), (true, None, (1, 0, None)));
    scene.publish("1.2");
    scene.after(SILENT, report("main", &[("a1", None, Role::Main)]));
    assert!(scene.publish("1.3"), "the only worker is silent: nobody is waited for");
    assert_eq!(scene.after(ms(5), runs("a", Some("1.3"))).effect, None);
    assert_eq!(scene.outcome(), (2, 1, None));
}

#[test]
fn nothing_is_slow_because_another_envoy_starts_late() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("a", Some("1.1")));
    scene.publish("1.2");
    assert!(!scene.after(ms(5), report("b", &[("b1", None, Role::Worker)])).completed);
    assert!(!scene.after(ms(3), runs("a", Some("1.2"))).completed);
    let taken = scene.after(ms(16_000), report("b", &[("b1", Some("1.2"), Role::Worker)]));
    assert_eq!((taken.completed, taken.effect), (true, Some(ms(8))), "the late one delays the news of it only");
    // None of those who were there is left.
    scene.publish("1.3");
    scene.after(ms(1), report("b", &[]));
    let taken = scene.after(ms(30_000), report("a", &[("a2", Some("1.3"), Role::Worker)]));
    assert_eq!((taken.completed, taken.effect, scene.outcome()), (true, None, (2, 0, Some(ms(8)))));
    scene.publish("1.4");
    let taken = scene.after(ms(7), report("a", &[("a2", Some("1.4"), Role::Worker)]));
    assert_eq!((taken.completed, taken.effect), (true, Some(ms(7))), "by the next one it is known");
}

#[test]
fn a_dead_envoy_delays_the_news_of_an_effect_but_not_the_effect() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("dead", Some("1.1")));
    scene.after(ms(0), runs("a", Some("1.1")));
    scene.publish("1.2");
    assert!(!scene.after(ms(8), runs("a", Some("1.2"))).completed);
    let taken = scene.after(SILENT, runs("a", Some("1.2")));
    assert_eq!((taken.completed, taken.effect), (true, Some(ms(8))));
}

#[test]
fn a_worker_is_stale_a_second_after_the_first_revision_it_missed() {
    let mut scene = Scene::new();
    let both = |one, other| report("a", &[("a1", one, Role::Worker), ("a2", other, Role::Main)]);
    scene.publish("1.1");
    scene.after(ms(10), both(Some("1.1"), None));
    assert_eq!(scene.tally(), Tally { nodes: 1, workers: 1, current: 1, ..Tally::default() });
    scene.publish("1.2");
    scene.clock.advance(STALE);
    assert_eq!(scene.tally(), Tally { nodes: 1, workers: 1, ..Tally::default() });
    // Each revision is young, but the worker runs none of them.
    scene.publish("1.3");
    scene.after(ms(1), both(Some("1.1"), None));
    assert_eq!(scene.tally(), Tally { nodes: 1, workers: 1, stale: 1, ..Tally::default() });
    scene.after(ms(1), both(Some("1.4"), None));
    scene.clock.advance(STALE);
    assert_eq!(scene.tally().stale, 1, "a later one is not what is published either");
    // No VM goes back: it is another one that runs what is published.
    scene.after(ms(1), report("a", &[("a3", Some("1.3"), Role::Worker)]));
    assert_eq!(scene.tally(), Tally { nodes: 1, workers: 1, current: 1, ..Tally::default() });
}

#[test]
fn a_worker_is_on_its_revision_since_it_was_first_seen_there() {
    let mut scene = Scene::new();
    let since = |scene: &Scene| {
        let node = &scene.nodes.nodes["a"];
        (node.workers[0].since.steady, node.workers[0].seen)
    };
    let start = scene.clock.now().steady;
    scene.after(ms(0), runs("a", None));
    scene.after(ms(5), runs("a", None));
    assert_eq!(since(&scene), (start, start));
    scene.after(ms(5), runs("a", Some("1.1")));
    scene.after(ms(5), runs("a", Some("1.1")));
    assert_eq!(since(&scene), (start + ms(10), start));
    scene.after(ms(5), report("a", &[("b1", Some("1.1"), Role::Worker)]));
    assert_eq!(since(&scene), (start + ms(20), start + ms(20)), "another worker");
}

#[test]
fn acks_and_nacks_are_counted_once() {
    let mut scene = Scene::new();
    let mut verdicts = |revision, refused: Option<&str>| {
        let mut report = runs("a", revision);
        report.workers[0].refused = refused.map(|refused| refused.parse().unwrap());
        let Verdicts { acks, nacks, .. } = scene.after(ms(1), report).verdicts;
        (acks, nacks)
    };
    assert_eq!(verdicts(None, None), (0, 0));
    assert_eq!(verdicts(Some("1.1"), None), (1, 0));
    assert_eq!(verdicts(Some("1.1"), Some("1.2")), (0, 1));
    assert_eq!(verdicts(Some("1.1"), Some("1.2")), (0, 0));
    assert_eq!(verdicts(Some("1.3"), None), (1, 0));
}

#[test]
fn silent_envoys_are_not_waited_for_and_gone_ones_are_forgotten() {
    let mut scene = Scene::new();
    scene.after(ms(0), runs("silent", None));
    scene.clock.advance(SILENT);
    scene.publish("1.2");
    assert!(scene.after(ms(0), runs("a", Some("1.2"))).completed);
    assert_eq!((scene.tally().nodes, scene.tally().silent), (2, 1));
    scene.clock.advance(GONE - SILENT);
    assert_eq!((scene.tally().nodes, scene.tally().silent), (1, 1), "nobody has to report for that");
    scene.after(ms(0), report("a", &[]));
    assert_eq!(scene.nodes.nodes.keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn what_a_silent_envoy_said_is_no_problem() {
    let mut scene = Scene::new();
    let mut refusing = runs("a", None);
    refusing.workers[0].refused = Some("1.2".parse().unwrap());
    scene.after(ms(0), refusing);
    assert_eq!(scene.nodes.problems(scene.clock.now().steady)[0].file, "a");
    assert_eq!(scene.tally().refusing, 1);
    scene.clock.advance(SILENT);
    assert_eq!(scene.nodes.problems(scene.clock.now().steady), []);
}

#[test]
fn envoys_that_share_an_id_are_a_problem_for_a_minute_after_their_last_turn() {
    let mut scene = Scene::new();
    let of =
        |workers: &[&str]| report("e", &workers.iter().map(|id| (*id, Some("1.1"), Role::Worker)).collect::<Vec<_>>());
    let shared = |scene: &Scene| !scene.nodes.problems(scene.clock.now().steady).is_empty();
    for restart in 0..100 {
        let (first, second) = (format!("a{restart}"), format!("b{restart}"));
        scene.after(ms(1), of(&[&first]));
        scene.after(ms(1), of(&[&first, &second]));
        scene.after(ms(1), of(&[&second]));
        scene.after(ms(1), of(&[&first, &second]));
        scene.after(ms(1), of(&[]));
    }
    assert!(!shared(&scene), "one that restarts, and reports that overtake each other");
    scene.after(ms(1), of(&["c1"]));
    scene.after(ms(1), of(&["d1", "d2"]));
    scene.after(ms(1), of(&["e1"]));
    assert!(!shared(&scene), "each may be the restart of the one before");
    scene.after(ms(1), of(&["c1", "c2"]));
    let problem = &scene.nodes.problems(scene.clock.now().steady)[0];
    assert_eq!(
        problem.to_string(),
        r#"e shared-id: found two Envoys that report as "e", expected a node id of its own for each"#
    );
    scene.after(ms(59_000), of(&["c1", "c2"]));
    assert!(shared(&scene));
    scene.after(ms(1_000), of(&["c1", "c2"]));
    assert!(!shared(&scene), "the others are gone");
}

#[test]
fn what_keeps_an_envoy_from_taking_anything_is_a_problem_until_it_is_silent() {
    let mut scene = Scene::new();
    let mut troubled = runs("a", Some("1.1"));
    troubled.trouble = Some("found a signature by \"x\", expected one by \"y\"".to_owned());
    scene.after(ms(0), troubled);
    let problems = |scene: &Scene| scene.nodes.problems(scene.clock.now().steady);
    assert_eq!(problems(&scene)[0].to_string(), r#"a trouble: found a signature by "x", expected one by "y""#);
    scene.clock.advance(SILENT);
    assert_eq!(problems(&scene), []);
    let mut troubled = runs("a", Some("1.1"));
    troubled.trouble = Some("no answer".to_owned());
    scene.after(ms(0), troubled);
    let expected = "a trouble: found no answer, expected an Envoy that takes what is published";
    assert_eq!(problems(&scene)[0].to_string(), expected);
    scene.after(ms(0), runs("a", Some("1.1")));
    assert_eq!(problems(&scene), [], "it is over");
}

#[test]
fn more_than_can_be_kept_is_refused_and_changes_nothing() {
    let mut scene = Scene::new();
    let now = scene.clock.now();
    let workers: Vec<_> = (0..=WORKER_LIMIT / NODE_LIMIT).map(|id| format!("{id:x}")).collect();
    let of = |count: usize, revision| -> Vec<_> {
        workers.iter().take(count).map(|id| (id.as_str(), revision, Role::Worker)).collect()
    };
    scene.publish("1.1");
    for id in 0..NODE_LIMIT {
        assert!(scene.nodes.take(report(&id.to_string(), &of(workers.len() - 1, None)), now).is_ok());
    }
    scene.clock.advance(STALE);
    let (before, later) = (format!("{:?}", scene.nodes.nodes), scene.clock.now());
    let beyond = [report("one more", &[]), report("7", &of(workers.len(), Some("1.1")))];
    for report in beyond {
        assert_eq!(scene.nodes.take(report, later).err(), Some(TooMany));
        assert!(format!("{:?}", scene.nodes.nodes) == before, "something changed");
    }
    assert!(scene.nodes.take(report("7", &of(workers.len() - 1, Some("1.1"))), later).is_ok());
    assert_eq!(scene.tally().current, 10);
    // Where all are gone, there is room again, for as many as the report has.
    scene.clock.advance(GONE);
    let later = scene.clock.now();
    assert!(scene.nodes.take(report("one more", &of(workers.len(), Some("1.1"))), later).is_ok());
    assert_eq!((scene.nodes.nodes.len(), scene.nodes.workers), (1, workers.len()));
}
