//! Rule sets that several tests publish.

/// Sends whoever has the header `x-env` with `value` to the canary, by the rule `checkout/qa`.
pub fn header_to_canary(value: &str) -> String {
    checkout(&format!(
        "  rules:
    - id: qa
      when: {{header: {{name: x-env, exact: \"{value}\"}}}}
      variant: canary
"
    ))
}

/// Tells the upstream of everyone who has an `x-user-id` the number `n`, in `x-feature-flags: n=<n>`.
///
/// Publishing it with growing numbers lets a response say how new the rules were that decided about its request.
pub fn numbered(n: u32) -> String {
    checkout(&format!(
        "  rules:
    - id: numbered
      when: {{header: {{name: x-user-id, present: true}}}}
      variant: canary
      set: {{x-feature-flags: \"n={n}\"}}
"
    ))
}

/// The rule set `checkout` with the variants `stable`, the default, and `canary`, and the rest of its `spec`.
pub(crate) fn checkout(spec: &str) -> String {
    format!(
        "\
apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {{name: checkout}}
spec:
  variants: [stable, canary]
  default: stable
{spec}"
    )
}

/// The number in a value of `x-feature-flags` that [`numbered`] set.
pub fn number(flags: &str) -> Option<u32> {
    flags.strip_prefix("n=")?.parse().ok()
}
