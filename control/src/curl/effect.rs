//! What an option of curl means for the request.

/// What an option does to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The URL.
    Url,
    /// A header line, `NAME: VALUE`.
    Header,
    /// The method.
    Method,
    /// Data for the body, or the query under `Get`; `@FILE` reads a file.
    Data,
    /// The same, taken as it is.
    RawData,
    /// The same, percent-encoded.
    EncodedData,
    /// A body of JSON.
    Json,
    /// Ask for the head alone.
    Head,
    /// Data goes into the query.
    Get,
    /// Cookies.
    Cookie,
    /// The user agent.
    Agent,
    /// The referer.
    Referer,
    /// Basic authentication.
    User,
    /// A bearer token.
    Bearer,
    /// A part of a form, sent as `multipart/form-data`.
    Form,
    /// A file to send.
    Upload,
    /// Dot segments stay in the path.
    AsIs,
    /// Nothing, and takes no value.
    None,
    /// Nothing, but takes a value.
    NoneOf,
}

impl Effect {
    /// Whether a value follows the option.
    pub fn takes_value(self) -> bool {
        !matches!(self, Effect::Head | Effect::Get | Effect::AsIs | Effect::None)
    }
}
