//! The operators of a match, of which it has exactly one.

use schemars::JsonSchema;

/// A match with fields of its own, and with the operators. A schema that takes no other fields cannot be put together of two.
macro_rules! with_operators {
    ($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields, rename_all = "camelCase")]
        pub struct $name {
            $($(#[$note])* $field: $type,)*
            /// It is there. For absence, put this under `not`.
            #[schemars(extend("const" = true))]
            present: Option<bool>,
            /// It is this.
            exact: Option<String>,
            /// It is one of these.
            #[schemars(rename = "in", length(min = 1))]
            one_of: Option<Vec<String>>,
            /// It begins with this.
            #[schemars(length(min = 1))]
            prefix: Option<String>,
            /// It ends with this.
            #[schemars(length(min = 1))]
            suffix: Option<String>,
            /// It contains this.
            #[schemars(length(min = 1))]
            contains: Option<String>,
            /// The whole value matches this regular expression, in the syntax of Rust's regex.
            regex: Option<String>,
            /// It is a whole number within both ends.
            range: Option<Range>,
            /// It is a version in this range of npm's: `>=2.1.0 <3.0.0`.
            semver: Option<String>,
            /// It is an address in one of these networks: `10.0.0.0/8`, `2001:db8::/32`.
            #[schemars(length(min = 1))]
            cidr: Option<Vec<String>>,
            /// ASCII letters are compared without case.
            ignore_case: Option<bool>,
            /// Pre-releases are in ranges whose ends are none.
            include_prerelease: Option<bool>,
        }
    };
}

with_operators! {
    /// Compares the values of something that has a name.
    Named {
        /// Its name.
        #[schemars(length(min = 1))]
        name: String,
    }
}

with_operators! {
    /// Compares the one value of something that has no name.
    Nameless {}
}

with_operators! {
    /// Compares a claim of a JSON Web Token. Put it behind jwt_authn.
    Claim {
        /// The header that carries the token. Default: authorization.
        header: Option<String>,
        /// Its name, dots and all, or the names that lead to it.
        claim: ClaimName,
    }
}

/// The name of a claim, or the names that lead to it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum ClaimName {
    /// Dots and all.
    Name(#[schemars(length(min = 1))] String),
    /// From the outermost on.
    Path(#[schemars(length(min = 1))] Vec<String>),
}

/// Whole numbers of 64 bits, both ends included; one may be left out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct Range {
    /// The least.
    from: Option<i64>,
    /// The greatest.
    to: Option<i64>,
}
