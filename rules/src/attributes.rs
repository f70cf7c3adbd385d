//! Everything that may be asked of a request.

/// A request, as the decision sees it: borrowed bytes, asked for lazily.
///
/// Whoever implements this does not interpret anything. Splitting a query, reading a cookie,
/// normalising a host is done here in `rules`, once, so that every host of the decision agrees.
pub trait Attributes {
    /// The method, as sent (`GET`). None where the request has none.
    fn method(&self) -> Option<&[u8]>;

    /// The request target: path and query, as the proxy passes it on. None for CONNECT.
    fn target(&self) -> Option<&[u8]>;

    /// The authority, as sent: host and perhaps port, in any case.
    fn authority(&self) -> Option<&[u8]>;

    /// Each value of the header `name` (which is lower case), in order, a field line at a time.
    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]>;
}
