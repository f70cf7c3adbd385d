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

    /// The address of whoever is taken to have sent the request, as Envoy's `source.address` has it: `10.1.2.3:4567`,
    /// `[2001:db8::1]:4567`, or the same without a port. None where it is not known, which is the default.
    ///
    /// Asked only where a rule wants to know, perhaps more than once.
    fn source(&self) -> Option<&[u8]> {
        None
    }

    /// The label `name` of the proxy that decides. None where it has no such label, which is the default.
    ///
    /// Asked only where a rule wants to know, perhaps more than once.
    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        let _ = name;
        None
    }

    /// The wall clock, in milliseconds since 1970 UTC. None where there is no clock, which is the default.
    ///
    /// Asked only where a rule wants to know, and at most once for a request, so that all rules see one time.
    fn now(&self) -> Option<i64> {
        None
    }

    /// 16 random bytes to mint an identity from, the same each time for one request. None where nothing is minted, which
    /// is the default.
    ///
    /// Asked only where a rule set says `issueCookie`, somebody goes to a page, and there is no identity.
    fn minted(&self) -> Option<[u8; 16]> {
        None
    }
}
