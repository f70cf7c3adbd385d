//! Documents of both kinds.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{allow_list::AllowList, inherit::Inherit, matches::Match, operators::ClaimName};

/// A rule set, or the lock beside it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Document {
    /// The rules of one service.
    RuleSet(Box<RuleSet>),
    /// The same in the next version of the language.
    NextRuleSet(Box<NextRuleSet>),
    /// Which slots belong to which variant.
    Lock(AllocationLock),
    /// Which parser each tag stands for.
    Tags(ParserTags),
    /// A list of identities, for rules to ask about.
    Audience(Audience),
    /// Which switches rule sets may have.
    AllowList(AllowList),
}

#[derive(JsonSchema)]
pub enum ApiVersion {
    #[schemars(rename = "graylane.dev/v1")]
    V1,
}

/// A version of the language, of which a document of the next one says which parser reads it.
#[derive(JsonSchema)]
enum AnyVersion {
    #[schemars(rename = "graylane.dev/v1")]
    V1,
    #[schemars(rename = "graylane.dev/v2alpha1")]
    V2Alpha1,
}

#[derive(JsonSchema)]
enum RuleSetKind {
    RuleSet,
}

#[derive(JsonSchema)]
enum LockKind {
    AllocationLock,
}

#[derive(JsonSchema)]
enum AudienceKind {
    Audience,
}

#[derive(JsonSchema)]
enum TagsKind {
    ParserTags,
}

/// The rules of one service.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct RuleSet {
    /// The version of the language.
    api_version: ApiVersion,
    kind: RuleSetKind,
    /// How it is to be read: `stable`, `canary`, a parser, or a tag of your own.
    #[schemars(rename = "x-gray-tag")]
    tag: Option<String>,
    metadata: Metadata,
    spec: Spec<Match>,
}

/// The rules of one service, for a parser of the next version of the language, which its tag stands for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct NextRuleSet {
    /// The version of the language: the next one, or the first, which it reads as well.
    api_version: AnyVersion,
    kind: RuleSetKind,
    /// How it is to be read: `canary`, `v2alpha1-yaml`, `v2alpha1-json`, or a tag of your own.
    #[schemars(rename = "x-gray-tag")]
    tag: String,
    metadata: Metadata,
    spec: Spec<When>,
}

/// What must hold.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum When {
    /// This.
    One(Box<Match>),
    /// All of these.
    All(#[schemars(length(min = 1))] Vec<Match>),
}

/// What the document is called.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Metadata {
    /// Unique in the namespace.
    name: Id,
    /// The operator's own.
    labels: Option<BTreeMap<String, String>>,
}

/// 1 to 63 of a-z, 0-9, `-` and `_`, a letter or digit first.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Id(#[schemars(regex(pattern = "^[a-z0-9][a-z0-9_-]{0,62}$"))] String);

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "SpecOf{W}")]
struct Spec<W> {
    /// Which requests; left out: all of them.
    scope: Option<Scope>,
    /// What buckets a request.
    identity: Option<Identity>,
    /// Which headers carry the decision.
    output: Option<Output>,
    /// From whom the variant that a request carries is believed: any of these. Left out: from nobody.
    inherit: Option<Inherit>,
    /// What a request can be given.
    #[schemars(length(min = 1, max = 1000))]
    variants: Vec<Id>,
    /// Where no rule matches.
    default: Id,
    /// Named, weighted choices.
    splits: Option<BTreeMap<String, Split>>,
    /// Typed values for the upstream.
    #[schemars(extend("maxProperties" = 64))]
    switches: Option<BTreeMap<String, Switch>>,
    /// The first that matches decides.
    rules: Option<Vec<Rule<W>>>,
}

/// Any of the hosts, and any of the prefixes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct Scope {
    /// Without port; `*.` stands for one or more labels.
    #[schemars(length(min = 1, max = 1000))]
    hosts: Option<Vec<String>>,
    /// End at segment borders: `/check` is no prefix of `/checkout`.
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = "^/[^?#]*$")))]
    path_prefixes: Option<Vec<String>>,
}

/// What buckets a request.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Identity {
    /// The first that yields a value counts.
    #[schemars(length(min = 1, max = 1000))]
    from: Vec<IdentitySource>,
    /// A cookie remembers which identity was seen first.
    sticky: Option<Sticky>,
}

/// Where an identity may be.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum IdentitySource {
    /// A header.
    Header(#[schemars(length(min = 1))] String),
    /// A cookie.
    Cookie(#[schemars(length(min = 1))] String),
    /// A claim of a JSON Web Token. Put it behind jwt_authn.
    JwtClaim(TokenClaim),
    /// A cookie that is set where it is not sent. Last.
    IssueCookie(IssueCookie),
}

/// A claim, and the header that carries the token.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TokenClaim {
    /// The header that carries the token. Default: authorization.
    header: Option<String>,
    /// Its name, dots and all, or the names that lead to it.
    claim: ClaimName,
}

/// A cookie that is set to an identity made up for the purpose.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct IssueCookie {
    name: CookieName,
    max_age: Option<Age>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Sticky {
    /// In the cookie `gl_first`, for 30 days.
    Plain(FirstSeenWord),
    /// In a cookie of another name, or for another time.
    Named(FirstSeen),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum FirstSeenWord {
    FirstSeen,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct FirstSeen {
    first_seen: StickyCookie,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct StickyCookie {
    /// Default: gl_first.
    cookie: Option<CookieName>,
    max_age: Option<Age>,
}

/// 1 to 64 letters, digits and any of !#$%&'*+-.^_`|~
#[derive(JsonSchema)]
#[schemars(transparent)]
struct CookieName(#[schemars(regex(pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"))] String);

/// How long it is kept, from `1s` to `400d`. Default: `30d`.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Age(#[schemars(regex(pattern = "^[1-9][0-9]*[smhd]$"))] String);

/// Which headers carry the decision.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct Output {
    /// The header that carries the variant. Default: x-gray-variant.
    variant_header: Option<String>,
    /// The header that carries the experiment, where a split with one chose.
    experiment_header: Option<String>,
    /// The header that carries the time of such a decision.
    evaluated_at_header: Option<String>,
}

/// A typed value for the upstream.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Switch {
    /// What its values are.
    #[schemars(rename = "type")]
    kind: SwitchType,
    /// That of every variant without one of its own.
    default: SwitchValue,
    /// Those of variants that have one.
    variants: Option<BTreeMap<String, SwitchValue>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum SwitchType {
    /// At most 1,024 bytes of visible ASCII and spaces.
    String,
    /// A whole number of at most 15 digits.
    Int,
    /// At most 12 digits, and 3 behind the point.
    Float,
    /// true or false.
    Bool,
    /// A whole number and one of ms, s, m, h and d.
    Duration,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum SwitchValue {
    /// A string, or a duration such as 1500ms.
    Text(#[schemars(length(max = 1024))] String),
    /// An int or a float.
    Number(f64),
    /// A bool.
    Truth(bool),
}

/// A named, weighted choice.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Split {
    /// Relative; a variant left out has 0.
    weights: BTreeMap<String, u32>,
    /// For the access log.
    experiment: Option<Id>,
    /// Where it is the same, so are the slots. Default: rule set and split.
    #[schemars(length(min = 1))]
    salt: Option<String>,
}

/// Who gets what: either a variant or a split.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "RuleOf{W}")]
struct Rule<W> {
    /// Unique in the rule set.
    id: Id,
    /// Left out: every request.
    when: Option<W>,
    /// What whoever matches is given.
    variant: Option<Id>,
    /// The split that chooses.
    split: Option<String>,
    /// Headers to set besides.
    #[schemars(extend("maxProperties" = 32))]
    set: Option<BTreeMap<String, String>>,
}

/// Which slots belong to which variant of each split.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct AllocationLock {
    /// The version of the language.
    api_version: AnyVersion,
    kind: LockKind,
    /// How it is to be read: `stable`, `canary`, a parser, or a tag of your own.
    #[schemars(rename = "x-gray-tag")]
    tag: Option<String>,
    metadata: Metadata,
    spec: LockSpec,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LockSpec {
    splits: BTreeMap<String, LockedSplit>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LockedSplit {
    /// Each until the next; they begin at 0.
    #[schemars(length(min = 1, max = 1024))]
    ranges: Vec<LockedRange>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LockedRange {
    /// The first slot.
    #[schemars(range(min = 0, max = 99999))]
    from: u32,
    variant: Id,
}

/// Which parser each tag stands for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct ParserTags {
    /// The version of the language.
    api_version: AnyVersion,
    kind: TagsKind,
    /// How it is to be read: `stable`, `canary`, a parser, or a tag of your own.
    #[schemars(rename = "x-gray-tag")]
    tag: Option<String>,
    metadata: Metadata,
    spec: ParserTagsSpec,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ParserTagsSpec {
    /// The parser of each tag.
    tags: Option<BTreeMap<String, Id>>,
    /// The parser of documents with a tag that nobody knows.
    default: Option<Id>,
}

/// A list of identities, for rules to ask about.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct Audience {
    /// The version of the language.
    api_version: AnyVersion,
    kind: AudienceKind,
    /// How it is to be read: `stable`, `canary`, a parser, or a tag of your own.
    #[schemars(rename = "x-gray-tag")]
    tag: Option<String>,
    metadata: Metadata,
    spec: AudienceSpec,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AudienceSpec {
    /// Each once.
    #[schemars(length(max = 100_000), inner(length(min = 1)))]
    identities: Vec<String>,
}
