//! The script's language. A word that is no number is 0, a word that is missing is empty, a line with an unknown verb is
//! passed over: any text is a script.
//!
//! ```text
//! root VM ROOT PLUGIN CONFIG      a root is made and configured, by a name in contents.rs or by JSON (`fetcher{…}`: a fetcher's)
//! gone VM ROOT                    Envoy drops a root
//! trap VM                         a VM dies; a new one takes its place, without roots
//! tick VM ROOT                    a timer
//! pass MS                         so much time, with the ticks and callbacks that belong to it
//! time MS                         so much time, and nothing else
//! wall SECONDS                    the wall clock is set
//! ready VM ROOT TOKEN             a callback for a queue, which may be any
//! call                            the callbacks for everything that waits
//! lose TOKEN                      what waits in a queue is lost
//! push TOKEN TEXT                 a stranger puts TEXT into a queue
//! publish EPOCH NUMBER CONTENT SIGNER      the newest question is answered with a revision
//! mangled EPOCH NUMBER CONTENT SIGNER AT BYTE      the same with one byte changed
//! answer CALL STATUS TYPE BODY    a call is answered with anything (0: the newest, 1: the first; status -: it broke off)
//! report STATUS                   the newest report is answered
//! shared KEY TEXT                 a stranger writes into shared data
//! flip KEY AT BYTE                … one byte
//! copy KEY KEY                    … the value of another key
//! remember KEY  recall KEY        … what was there once
//! refuse CALL STATUS              the host refuses a call from now on
//! allow                           it refuses none
//! request VM ROOT TEXT            a request; its lines are separated by |
//! trailers VM TEXT                its trailers
//! ```

/// The most events that are lived through.
const MOST: usize = 150;

/// The calls that can be refused, by the names that the host in memory has for them.
pub(super) const REFUSABLE: [&str; 16] = [
    "http_call",
    "send_local_response",
    "shared",
    "set_shared",
    "register_queue",
    "resolve_queue",
    "enqueue",
    "dequeue",
    "define_metric",
    "increment",
    "record",
    "set_tick",
    "property",
    "header_pairs",
    "set_filter_state",
    "buffer",
];

/// Lines to begin with, for the mutator; `#` is a number.
pub(super) const TEMPLATES: [&str; 30] = [
    "root 0 # f CONFIG",
    "root # # front CONFIG",
    "root # # back CONFIG",
    "root 1 1 front electable",
    "gone # #",
    "trap #",
    "tick # #",
    "tick # 1",
    "pass 100",
    "pass #",
    "pass 2000",
    "time #",
    "time 3500",
    "wall #",
    "ready # 1 #",
    "call",
    "lose #",
    "push # {\"id\":\"0#\",\"queue\":#,\"formats\":[#],\"revision\":\"#.#\",\"refused\":\"#.#\",\"error\":null,\"unfit\":true}",
    "publish # # # #",
    "publish 1 # # 1",
    "mangled # # # # # #",
    "answer # 204 - ",
    "answer # 503 text/html <html>",
    "report 204",
    "flip KEY # #",
    "copy KEY KEY",
    "recall KEY",
    "refuse CALL #",
    "request # 1 GET / shop|x-env: gray|x-gray-variant: canary|x_feature_flags: all",
    "trailers # |x-gray-variant: canary|grpc-status: 0",
];

/// A line: its verb and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub(super) verb: &'a [u8],
    rest: &'a [u8],
}

/// The events of a script.
pub(super) fn events(input: &[u8]) -> impl Iterator<Item = Event<'_>> {
    input.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).take(MOST).map(|line| {
        let (verb, rest) = first_word(line);
        Event { verb, rest }
    })
}

impl<'a> Event<'a> {
    /// The next word.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let (word, rest) = first_word(self.rest);
        self.rest = rest;
        word
    }

    /// The next word as a number.
    pub(super) fn number(&mut self) -> u64 {
        str::from_utf8(self.word()).ok().and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    /// The next word as a number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}
