//! What is published and asked while faults happen.

use crate::{Request, samples::checkout};

/// The users that ask, in turn.
const USERS: usize = 16;

/// Rules of which each number sends other users to the canary, and says so.
pub(super) fn rules(number: u32) -> String {
    let percent = 20 + number * 17 % 60;
    checkout(&format!(
        "  identity: {{from: [{{header: x-user-id}}]}}
  rules:
    - id: qa
      when: {{header: {{name: x-env, exact: gray}}}}
      variant: canary
      set: {{x-feature-flags: \"n={number}\"}}
    - id: some
      when: {{percent: {percent}}}
      variant: canary
      set: {{x-feature-flags: \"n={number}\"}}
"
    ))
}

/// What is asked: by many users, and by some with the header that a rule names.
pub(super) fn requests() -> Vec<Request> {
    let plain = |user| Request::get("/").header("x-user-id", format!("user-{user}"));
    (0..USERS).map(|user| if user % 4 == 0 { plain(user).header("x-env", "gray") } else { plain(user) }).collect()
}
