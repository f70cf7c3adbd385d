//! A request in curl's own words: the command line a person has at hand becomes the request curl would send.

mod command;
mod effect;
mod options;
mod table;

use crate::request::Request;

/// The user agent curl sends when nothing else is asked for.
const USER_AGENT: &str = "curl/8.5.0";

/// Reads the words of a curl command line, with or without a leading `curl`, and with or without `--` behind that.
///
/// Bodies are not read: rules do not see them. What only changes how curl works (`-s`, `-k`, `-o FILE`) is skipped.
///
/// # Errors
/// What was found and what would be right: an unknown option, no URL, more than one.
pub fn parse(words: &[String]) -> Result<Request, String> {
    let words = match words {
        [first, rest @ ..] if first == "curl" => rest,
        all => all,
    };
    let words = words.strip_prefix(&["--".to_owned()]).unwrap_or(words);
    command::Command::read(options::read(words)?)?.request()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<Request, String> {
        parse(&line.split(' ').map(|word| word.replace('+', " ")).collect::<Vec<_>>())
    }

    fn headers(line: &str) -> String {
        let request = request(line).unwrap();
        let line = |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
        request.headers.iter().map(line).collect::<Vec<_>>().join(", ")
    }

    const AGENT: &str = "user-agent=curl/8.5.0";

    #[test]
    fn a_url_alone_is_a_get_with_the_headers_of_curl() {
        let request = request("curl https://Shop/checkout?x=1").unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/checkout?x=1"));
        assert_eq!(request.authority.as_deref(), Some("shop"));
        assert_eq!(headers("shop"), format!("{AGENT}, accept=*/*"));
    }

    #[test]
    fn headers_are_added_replaced_emptied_and_removed() {
        let line = "-H X-A:+1 -HX-B; -H accept: --header User-Agent:me -H x-a:2 shop";
        assert_eq!(headers(line), "x-a=1, x-b=, user-agent=me, x-a=2");
        assert_eq!(request("-H Host:other:81 shop").unwrap().authority.as_deref(), Some("other:81"));
        assert_eq!(request("-H host: shop").unwrap().authority, None);
    }

    #[test]
    fn the_method_follows_from_the_options() {
        for (line, method, target) in [
            ("-I shop", "HEAD", "/"),
            ("-d a=b shop", "POST", "/"),
            ("-XPUT -d a shop", "PUT", "/"),
            ("-sSkXDELETE shop", "DELETE", "/"),
            ("-G -d a=1 --data-urlencode b=c&d shop/x?y", "GET", "/x?y&a=1&b=c%26d"),
            ("--json {} shop", "POST", "/"),
            ("--url shop/p -L -o /dev/null", "GET", "/p"),
            ("-F a=b -F f=@file shop", "POST", "/"),
            ("-X PUT --form-string a=b shop", "PUT", "/"),
            ("-T dir/a+b.txt shop/p", "PUT", "/p"),
            ("-T dir/a+b.txt shop/p/?x=/1", "PUT", "/p/a%20b.txt?x=/1"),
            ("-T - shop", "PUT", "/"),
            ("curl -- shop/a/../b?x", "GET", "/b?x"),
            ("shop/a/../b?x --path-as-is", "GET", "/a/../b?x"),
            ("-jnqsJOR1 --retry-delay 1 --retry 3 --limit-rate 1k --tcp-nodelay shop", "GET", "/"),
        ] {
            let request = request(line).unwrap();
            assert_eq!((request.method.as_str(), request.target.as_str()), (method, target), "{line}");
        }
    }

    #[test]
    fn shorthands_become_headers() {
        assert_eq!(headers("-b a=1 -b c=2 shop"), format!("{AGENT}, accept=*/*, cookie=a=1; c=2"));
        assert_eq!(headers("-A x -e http://r/;auto shop"), "user-agent=x, accept=*/*, referer=http://r/");
        assert_eq!(headers("-u u:p shop"), format!("authorization=Basic dTpw, {AGENT}, accept=*/*"));
        assert_eq!(headers("http://u:p@shop"), headers("-u u:p shop"));
        let form = "content-length=3, content-type=application/x-www-form-urlencoded";
        assert_eq!(headers("--data-raw a=b shop"), format!("{AGENT}, accept=*/*, {form}"));
        assert_eq!(
            headers("-d @file -H Content-Type:text/xml shop"),
            format!("{AGENT}, accept=*/*, content-type=text/xml")
        );
        assert_eq!(headers("-A  shop"), "accept=*/*");
        assert_eq!(headers("-F a=b shop"), format!("{AGENT}, accept=*/*, content-type=multipart/form-data"));
        assert_eq!(headers("-T f shop"), format!("{AGENT}, accept=*/*"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (line, why) in [
            ("--frobnicate shop", "found the curl option --frobnicate"),
            ("-s", "found no URL"),
            ("shop shop2", "found a second URL"),
            ("shop -H", "found the curl option -H without its value"),
            ("-d a -F b=c shop", "found two kinds of body"),
            ("-T f -F b=c shop", "found two kinds of body"),
            ("-H x-a shop", "found the header \"x-a\""),
            ("-b jar.txt shop", "found a cookie file"),
            ("-sQ shop", "found the curl option -Q"),
            ("-X GE/T shop", "found the method \"GE/T\""),
        ] {
            let said = request(line).unwrap_err();
            assert!(said.starts_with(why) && said.contains(", expected "), "{line}: {said}");
        }
    }
}
