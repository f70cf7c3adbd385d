//! A server's certificate: whether it can be shown, and from when until when.

use std::time::Duration;

use der::{
    Decode as _, SliceReader, Tag, Tagged as _,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::{clock::second, finding::Finding};

/// So long before its end a certificate is a problem: longer than people are away.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// The code of that problem.
pub const EXPIRES: &str = "certificate-expires";

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: Timestamp,
    /// The last one.
    pub until: Timestamp,
}

impl Validity {
    /// That of a certificate that a server can show.
    ///
    /// # Errors
    /// Where it can not: `found …, expected …`.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let expected = "expected one of X.509 version 3 with the server's names";
        let unread =
            |why: &dyn std::fmt::Display| format!("found a certificate that cannot be read ({why}), {expected}");
        let (version, validity) = parts(certificate).map_err(|why| unread(&why))?;
        if version < 3 {
            let found = format!("found a certificate of X.509 version {version}, which has no subjectAltName");
            return Err(format!("{found}, {expected} there"));
        }
        EndEntityCert::try_from(certificate).map_err(|why| unread(&why))?;
        Ok(validity)
    }

    /// Expects it to hold `now`.
    ///
    /// # Errors
    /// Where it does not: `found …, expected …`.
    pub fn expect_now(&self, now: Timestamp) -> Result<(), String> {
        let found = if now > self.until {
            format!("found a certificate that expired at {}", second(self.until))
        } else if now < self.from {
            format!("found a certificate that is not valid before {}", second(self.from))
        } else {
            return Ok(());
        };
        Err(format!("{found}, expected one that is valid now ({})", second(now)))
    }

    /// The problem that the certificate in `file` ends soon, or has ended.
    pub fn finding(&self, file: &str, now: Timestamp) -> Option<Finding> {
        let end = second(self.until);
        if now > self.until {
            let found = format!("a certificate that expired at {end}, which is still shown");
            return Some(Finding::about(file, EXPIRES, found, "one that is valid now, and SIGHUP"));
        }
        let is_soon = Duration::try_from(self.until.duration_since(now)).is_ok_and(|left| left <= SOON);
        let found = || format!("a certificate that expires at {end}");
        is_soon.then(|| Finding::odd(file, EXPIRES, found(), "a later one in its place before that, and SIGHUP"))
    }
}

/// The version, from 1, and the validity. What verifies certificates tells neither.
fn parts(certificate: &[u8]) -> der::Result<(u8, Validity)> {
    let certificate = AnyRef::from_der(certificate)?;
    let signed = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
    let mut fields = SliceReader::new(signed.value())?;
    // The version, where it is not 1; then serial number, algorithm, issuer, validity.
    let first = AnyRef::decode(&mut fields)?;
    let version = if first.tag() == Tag::Integer {
        1
    } else {
        AnyRef::decode(&mut fields)?;
        u8::from_der(first.value())?.saturating_add(1)
    };
    for _ in ["algorithm", "issuer"] {
        AnyRef::decode(&mut fields)?;
    }
    let validity = AnyRef::decode(&mut fields)?;
    let mut times = SliceReader::new(validity.value())?;
    Ok((version, Validity { from: time(&mut times)?, until: time(&mut times)? }))
}

fn time(times: &mut SliceReader<'_>) -> der::Result<Timestamp> {
    let time = AnyRef::decode(times)?;
    let since = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    // The end of the year 9999 is how a certificate says that it has no end, and is later than any time here.
    let since = i64::try_from(since.as_secs()).ok().and_then(|since| Timestamp::from_second(since).ok());
    Ok(since.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn of_years(from: i32, until: i32) -> Validity {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        Validity::of(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_read_in_both_forms() {
        let found = of_years(2001, 2049);
        assert_eq!((found.from, found.until), (at("2001-01-01T00:00:00Z"), at("2049-01-01T00:00:00Z")));
        assert_eq!(of_years(2001, 2051).until, at("2051-01-01T00:00:00Z"));
        let said = Validity::of(&b"\x30\x03\x02\x01\x01"[..].into()).unwrap_err();
        assert!(said.starts_with("found a certificate that cannot be read ("), "{said}");
    }

    #[test]
    fn one_of_an_old_version_says_so() {
        let times = "\x30\x1e\x17\x0d200101000000Z\x17\x0d300101000000Z";
        let first = format!("\x30\x29\x30\x27\x02\x01\x01\x30\0\x30\0{times}");
        let said = "found a certificate of X.509 version 1, which has no subjectAltName, expected one of X.509 version 3 \
                    with the server's names there";
        assert_eq!(Validity::of(&first.into_bytes().into()), Err(said.to_owned()));
    }

    #[test]
    fn its_end_is_told_in_time() {
        let validity = of_years(2020, 2030);
        let severity =
            |now: &str| validity.finding("a.pem", at(now)).map(|finding| (finding.is_error(), finding.found));
        assert_eq!(severity("2029-12-17T23:59:59Z"), None);
        let soon = (false, "a certificate that expires at 2030-01-01T00:00:00Z".to_owned());
        assert_eq!(severity("2029-12-18T00:00:00Z"), Some(soon));
        let late = (true, "a certificate that expired at 2030-01-01T00:00:00Z, which is still shown".to_owned());
        assert_eq!(severity("2030-01-01T00:00:01Z"), Some(late));
        assert_eq!(validity.expect_now(at("2030-01-01T00:00:00Z")), Ok(()));
        let early = validity.expect_now(at("2019-12-31T23:59:59Z")).unwrap_err();
        assert!(early.starts_with("found a certificate that is not valid before 2020-01-01T00:00:00Z, exp"), "{early}");
    }
}
