//! `etcd://[USER@]HOST:PORT,…[/PREFIX][?OPTION=VALUE&…]`: which cluster, and how to speak to it.

use std::{fmt, path::PathBuf, str::FromStr};

use percent_encoding::percent_decode_str;

const EXAMPLE: &str = "etcd://HOST:PORT,HOST:PORT,…[/PREFIX][?ca=FILE&cert=FILE&key=FILE&user=NAME&password-file=FILE]";
const PREFIX: &str = "/graylane/v1/";

/// A cluster of etcd: what an `etcd://` URL says. It has no password, only where to find one.
///
/// TLS is spoken exactly where `ca` is given, the file of those who may certify the members; `cert` and `key` are what we show
/// them. No certificates of the system are believed. `user` may stand before the hosts as well; its password is read from
/// `password-file`, or from the environment variable `password-env`, anew for each token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdAddress {
    pub(super) endpoints: Vec<String>,
    /// What all keys begin with; it begins and ends with a slash.
    pub(super) prefix: String,
    pub(super) tls: Option<TlsFiles>,
    pub(super) login: Option<Login>,
}

/// The files for TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsFiles {
    pub(super) ca: PathBuf,
    /// Our certificate, and its key.
    pub(super) own: Option<(PathBuf, PathBuf)>,
}

/// Who we are for etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    File(PathBuf),
    Variable(String),
}

impl EtcdAddress {
    /// Which cluster and which keys, without who we are for it: for messages.
    pub(super) fn place(&self) -> String {
        let prefix = if self.prefix == PREFIX { "" } else { self.prefix.trim_end_matches('/') };
        format!("etcd://{}{prefix}", self.endpoints.join(","))
    }
}

/// What was found and what would be right. It never quotes what stands before the hosts: that may be a password.
impl FromStr for EtcdAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("etcd://").ok_or_else(|| format!("found no etcd://, expected {EXAMPLE}"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match hosts.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err("found a password in the URL, where everybody sees it; \
                            expected password-file=FILE or password-env=NAME"
                    .to_owned());
            }
            Some((user, hosts)) => (Some(decoded("the user", user)?), hosts),
            None => (None, hosts),
        };
        let endpoints = hosts.split(',').map(endpoint).collect::<Result<_, _>>()?;
        let mut options = Options::read(query)?;
        options.user = match (user, options.user) {
            (Some(_), Some(_)) => {
                return Err("found a user before the hosts and user=, expected one of them".to_owned());
            }
            (user, option) => user.or(option),
        };
        Ok(Self { endpoints, prefix: prefix(path)?, tls: options.tls()?, login: options.login()? })
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let wrong = || format!("found the endpoint {text:?}, expected HOST:PORT, such as 10.0.0.1:2379");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    let port = port.parse::<u16>().ok().filter(|port| *port > 0 && fits).ok_or_else(wrong)?;
    Ok(format!("{host}:{port}"))
}

fn prefix(path: &str) -> Result<String, String> {
    let path = decoded("the prefix", path)?;
    match path.trim_matches('/') {
        "" => Ok(PREFIX.to_owned()),
        path => Ok(format!("/{path}/")),
    }
}

fn decoded(what: &str, text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| format!("found {what} in no UTF-8, expected it in UTF-8"))
}

#[derive(Default)]
struct Options {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    user: Option<String>,
    file: Option<String>,
    variable: Option<String>,
}

impl Options {
    fn read(query: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let place = match name {
                "ca" => &mut options.ca,
                "cert" => &mut options.cert,
                "key" => &mut options.key,
                "user" => &mut options.user,
                "password-file" => &mut options.file,
                "password-env" => &mut options.variable,
                "password" => {
                    return Err("found password=, expected password-file=FILE or password-env=NAME".to_owned());
                }
                "tls" => return Err("found tls=, expected ca=FILE: TLS is on where that is given".to_owned()),
                _ => {
                    let known = "ca, cert, key, user, password-file or password-env";
                    return Err(format!("found the option {name:?}, expected {known}"));
                }
            };
            if value.is_empty() || place.replace(decoded(name, value)?).is_some() {
                return Err(format!("found {name} twice or without a value, expected {name}=VALUE once"));
            }
        }
        Ok(options)
    }

    fn tls(&self) -> Result<Option<TlsFiles>, String> {
        let own = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((cert.into(), key.into())),
            (None, None) => None,
            _ => return Err("found one of cert and key, expected both or none".to_owned()),
        };
        match (&self.ca, own) {
            (Some(ca), own) => Ok(Some(TlsFiles { ca: ca.into(), own })),
            (None, None) => Ok(None),
            (None, Some(_)) => {
                Err("found cert and key without ca, expected ca=FILE: who certifies the members".to_owned())
            }
        }
    }

    fn login(self) -> Result<Option<Login>, String> {
        let password = match (self.file, self.variable) {
            (Some(file), None) => Some(Secret::File(file.into())),
            (None, Some(name)) => Some(Secret::Variable(name)),
            (None, None) => None,
            _ => return Err("found password-file and password-env, expected one of them".to_owned()),
        };
        match (self.user, password) {
            (Some(user), Some(password)) => Ok(Some(Login { user, password })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err("found a user without a password, expected password-file=FILE or password-env=NAME".to_owned())
            }
            (None, Some(_)) => Err("found a password without a user, expected user=NAME".to_owned()),
        }
    }
}

/// As it is read.
impl fmt::Display for EtcdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        f.write_str(&self.place())?;
        let path = |path: &PathBuf| path.display().to_string();
        let mut options = Vec::new();
        if let Some(TlsFiles { ca, own }) = &self.tls {
            options.push(("ca", path(ca)));
            options.extend(own.iter().flat_map(|(cert, key)| [("cert", path(cert)), ("key", path(key))]));
        }
        if let Some(Login { user, password }) = &self.login {
            options.push(("user", user.clone()));
            options.push(match password {
                Secret::File(file) => ("password-file", path(file)),
                Secret::Variable(name) => ("password-env", name.clone()),
            });
        }
        const KEPT: &percent_encoding::AsciiSet =
            &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
        options.iter().enumerate().try_for_each(|(place, (name, value))| {
            write!(f, "{}{name}={}", if place == 0 { '?' } else { '&' }, utf8_percent_encode(value, KEPT))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<EtcdAddress, String> {
        text.parse()
    }

    #[test]
    fn what_is_said_is_read_and_written_again() {
        for text in [
            "etcd://a:2379",
            "etcd://a:2379,10.0.0.1:2379,[::1]:2379/graylane/staging",
            "etcd://a:2379?ca=/etc/ca.pem&cert=a.pem&key=a%20key.pem&user=gray%40lane&password-file=/run/secrets/etcd",
            "etcd://a:2379?user=me&password-env=ETCD_PASSWORD",
        ] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        let address = read("etcd://me@a:2379,b:1/x?password-env=P&ca=c").unwrap();
        assert_eq!((address.prefix.as_str(), address.place().as_str()), ("/x/", "etcd://a:2379,b:1/x"));
        assert_eq!(address.login.unwrap().user, "me");
        assert_eq!(read("etcd://a:2379/").unwrap().prefix, PREFIX);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_password_quoted() {
        for (text, said) in [
            ("etcd://a", "found the endpoint \"a\""),
            ("etcd://a:0", "found the endpoint \"a:0\""),
            ("etcd://a:1,,b:1", "found the endpoint \"\""),
            ("etcd://me:secret@a:1", "found a password in the URL"),
            ("etcd://a:1?password=secret", "found password="),
            ("etcd://a:1?tls=true", "found tls=, expected ca=FILE"),
            ("etcd://a:1?cert=x", "found one of cert and key"),
            ("etcd://a:1?cert=x&key=y", "found cert and key without ca"),
            ("etcd://a:1?user=x", "found a user without a password"),
            ("etcd://a:1?password-env=x", "found a password without a user"),
            ("etcd://x@a:1?user=x", "found a user before the hosts and user="),
            ("etcd://a:1?ca=x&ca=y", "found ca twice"),
            ("etcd://a:1?timeout=3", "found the option \"timeout\""),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.starts_with(said) && !why.contains("secret"), "{text}: {why}");
        }
    }
}
