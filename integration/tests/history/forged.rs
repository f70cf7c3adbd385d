//! A history that is written, not recorded.

use std::time::Duration;

use graylane_integration::{
    Request,
    history::{Ack, Bounds, History, Name, Outcome, Response, Served, Told, Upstream, Verdict, Window, check},
    samples,
};
use graylane_rules::{Format, Revision, Snapshot, Source, compile};

pub const BOUND: Duration = ms(100);

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn revision(number: u64) -> Option<Revision> {
    Some(Revision { epoch: 1, number })
}

pub fn window(from: u64, to: u64) -> Window {
    Window { from: ms(from), to: ms(to) }
}

pub fn snapshot(document: &str) -> Snapshot {
    let compiled = compile(&[Source { format: Format::Yaml, text: document.as_bytes() }]).unwrap();
    Snapshot::load(compiled.snapshot).unwrap()
}

/// A history that is written, not recorded. Revision n is the rules `numbered(n)`.
#[derive(Default)]
pub struct Forged(pub History);

impl Forged {
    /// Revision 1 at 0 ms.
    pub fn new() -> Self {
        Self::default().publishes(0, 1)
    }

    pub fn publishes(mut self, at: u64, number: u64) -> Self {
        let rules = samples::numbered(u32::try_from(number).unwrap());
        self.0.publish(ms(at), revision(number).unwrap(), snapshot(&rules));
        self
    }

    pub fn acks(mut self, at: u64, vm: &str, number: Option<u64>) -> Self {
        let vm = self.0.names.of(vm);
        self.0.acks.push(Ack { at: ms(at), vm, revision: number.and_then(revision), refusal: None });
        self
    }

    /// What the rules `number` decide, all places agreeing; `spoil` changes it.
    pub fn serves_spoilt(
        mut self,
        connection: u32,
        begin: u64,
        number: u64,
        spoil: impl FnOnce(&mut Edit<'_>),
    ) -> Self {
        let history = &mut self.0;
        let request = history.place(&Request::get("/").header("x-user-id", "42"));
        let of_connection = history.responses.iter().filter(|response| response.connection == connection).count();
        let names = &mut history.names;
        let [canary, reason, flags] =
            ["canary", "TARGETING_MATCH", &format!("n={number}")].map(|name| Some(names.of(name)));
        let told = Told { revision: revision(number), variant: canary, reason };
        let upstream = Upstream { name: canary, revision: revision(number), variant: canary, flags };
        let id = history.responses.len() as u128 + 1;
        let (mut served, mut log, mut end) = (Served { id, upstream, told }, told, ms(begin + 2));
        spoil(&mut Edit {
            served: &mut served,
            log: &mut log,
            end: &mut end,
            name: &mut |text| history.names.of(text),
        });
        history.log.insert(id, log);
        let stream = u32::try_from(of_connection).unwrap();
        let outcome = Outcome::Served(served);
        history.responses.push(Response {
            connection,
            stream,
            request,
            due: ms(begin),
            begin: ms(begin),
            end,
            outcome,
        });
        self
    }

    pub fn serves(self, connection: u32, begin: u64, number: u64) -> Self {
        self.serves_spoilt(connection, begin, number, |_| {})
    }

    pub fn fails(mut self, begin: u64, end: u64) -> Self {
        let request = self.0.place(&Request::get("/"));
        let outcome = Outcome::Failed(self.0.names.of("connection reset"));
        let (due, begin, end) = (ms(begin), ms(begin), ms(end));
        self.0.responses.push(Response { connection: 9, stream: 0, request, due, begin, end, outcome });
        self
    }

    pub fn verdict(&self) -> Verdict {
        self.within(&Bounds::effect_within(BOUND))
    }

    pub fn within(&self, bounds: &Bounds) -> Verdict {
        check(&self.0, bounds)
    }
}

/// What may be forged of an answer.
pub struct Edit<'a> {
    pub served: &'a mut Served,
    pub log: &'a mut Told,
    pub end: &'a mut Duration,
    pub name: &'a mut dyn FnMut(&str) -> Name,
}

/// Makes of an answer one that was given without any rules.
pub fn without_rules(edit: &mut Edit<'_>) {
    let reason = Some((edit.name)("NO_RULES"));
    let told = Told { revision: None, variant: None, reason };
    (edit.served.told, *edit.log) = (told, told);
    edit.served.upstream = Upstream { name: Some((edit.name)("stable")), ..Upstream::default() };
}
