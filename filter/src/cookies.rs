//! The cookies of a decision. The filter sees no response: it leaves them in the filter state, from where Envoy's
//! `response_headers_to_add` takes them, and with them the word that keeps such a response out of shared caches.

use graylane_rules::{Cookie, Decision};

use crate::{headers::Request, host};

/// The filter state of each cookie; more than these no request gets.
const STATES: [&str; 4] =
    ["graylane_set_cookie", "graylane_set_cookie_2", "graylane_set_cookie_3", "graylane_set_cookie_4"];

/// The filter state of what `cache-control` must say where a cookie is set.
const CACHE_CONTROL: &str = "graylane_cache_control";

/// Stricter than whatever an upstream could have said: it takes the upstream's place.
const UNSHARED: &[u8] = b"private, no-store";

/// The cookies to set with the response to one request, each name once.
#[derive(Debug, Default)]
pub struct Cookies(Vec<Cookie>);

impl Cookies {
    /// Adds those of a decision on `request`; of two of one name the first counts.
    #[inline]
    pub fn join(&mut self, decision: &Decision<'_>, request: &Request<'_>) {
        let cookies = decision.cookies(request);
        // Hardly any request gets one.
        if !cookies.is_empty() {
            self.add(cookies);
        }
    }

    #[cold]
    fn add(&mut self, cookies: Vec<Cookie>) {
        for cookie in cookies {
            if !self.0.iter().any(|known| known.name == cookie.name) {
                self.0.push(cookie);
            }
        }
    }

    /// Leaves them to Envoy.
    #[inline]
    pub fn tell(&self) {
        if !self.0.is_empty() {
            self.tell_all();
        }
    }

    #[cold]
    fn tell_all(&self) {
        for (state, cookie) in STATES.iter().zip(&self.0) {
            let _ = host::set_filter_state(state, cookie.to_string().as_bytes());
        }
        let _ = host::set_filter_state(CACHE_CONTROL, UNSHARED);
    }
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Snapshot, Source, compile};

    use super::*;
    use crate::{host::fake::host, owned::Owned, pairs::encode};

    fn told(headers: &[(&[u8], &[u8])]) -> Vec<(String, String)> {
        let texts = ["a", "b"].map(|name| {
            format!(
                r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
                "output": {{"variantHeader": "x-{name}"}}, "variants": ["v"], "default": "v",
                "identity": {{"from": [{{"issueCookie": {{"name": "gl_id"}}}}], "sticky": {{"firstSeen": {{"cookie": "f-{name}"}}}}}}}}}}"#
            )
        });
        let sources = texts.each_ref().map(|text| Source { format: Format::Json, text: text.as_bytes() });
        let snapshot = Snapshot::load(compile(&sources).unwrap().snapshot).unwrap();
        let owned = Owned::new(Vec::new());
        let buffer = encode(headers);
        let request = Request::read(&buffer, &owned).unwrap();
        let mut cookies = Cookies::default();
        snapshot.decide(&request).for_each(|decision| cookies.join(&decision, &request));
        cookies.tell();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        host(|host| std::mem::take(&mut host.state)).into_iter().map(|(key, value)| (key, text(value))).collect()
    }

    #[test]
    fn one_identity_is_minted_for_all_decisions_and_nothing_is_told_otherwise() {
        let told = told(&[(b":method", b"GET"), (b"sec-fetch-mode", b"navigate")]);
        let name = |value: &str| value.split('=').next().unwrap_or_default().to_owned();
        let states: Vec<_> = told.iter().map(|(key, value)| (key.as_str(), name(value))).collect();
        let states: Vec<_> = states.iter().map(|(key, name)| (*key, name.as_str())).collect();
        assert_eq!(
            states,
            [
                ("graylane_cache_control", "private, no-store"),
                ("graylane_set_cookie", "gl_id"),
                ("graylane_set_cookie_2", "f-a"),
                ("graylane_set_cookie_3", "f-b")
            ]
        );
        let remembered = |value: &str| value.split(['=', ';']).nth(1).map(str::to_owned);
        assert_eq!(remembered(&told[2].1), remembered(&told[3].1), "{told:?}");
        assert_eq!(self::told(&[(b":method", b"GET"), (b"accept", b"*/*")]), []);
        let known = (&b"cookie"[..], &b"gl_id=a; f-a=YQ; f-b=YQ"[..]);
        assert_eq!(self::told(&[(b":method", b"GET"), (b"accept", b"text/html"), known]), []);
    }
}
