//! From curl's options to the request curl would send.

use super::{USER_AGENT, effect::Effect};
use crate::{
    encode,
    request::{self, Request},
    url::Url,
};

/// What a command line asked for.
#[derive(Default)]
pub struct Command {
    url: Option<Url>,
    method: Option<String>,
    head: bool,
    get: bool,
    json: bool,
    data: Option<String>,
    /// Part of the data is in a file, so its length is not known.
    from_file: bool,
    form: bool,
    upload: Option<String>,
    as_is: bool,
    cookies: Vec<String>,
    agent: Option<String>,
    referer: Option<String>,
    authorization: Option<String>,
    /// Header lines as given; None takes curl's own header of that name away.
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Command {
    /// Takes the options in, one after the other.
    ///
    /// # Errors
    /// The first that makes no sense.
    pub fn read(options: Vec<(Effect, String)>) -> Result<Self, String> {
        let mut command = Self::default();
        for (effect, value) in options {
            command.take(effect, value)?;
        }
        Ok(command)
    }

    fn take(&mut self, effect: Effect, value: String) -> Result<(), String> {
        match effect {
            Effect::Url => self.locate(&value)?,
            Effect::Header => self.headers.push(header(&value)?),
            Effect::Method => self.method = Some(method(value)?),
            Effect::Data => self.append_file_or(&value),
            Effect::RawData => self.append(&value),
            Effect::EncodedData => self.append(&encoded(&value)?),
            Effect::Json => {
                self.json = true;
                self.append_file_or(&value);
            }
            Effect::Head => self.head = true,
            Effect::Get => self.get = true,
            Effect::Cookie => self.cookies.push(cookie(value)?),
            Effect::Agent => self.agent = Some(value),
            Effect::Referer => self.referer = Some(value.trim_end_matches(";auto").to_owned()),
            Effect::User => self.authorization = Some(basic(&value)),
            Effect::Bearer => self.authorization = Some(format!("Bearer {value}")),
            Effect::Form => self.form = true,
            Effect::Upload => self.upload = Some(value),
            Effect::AsIs => self.as_is = true,
            Effect::None | Effect::NoneOf => {}
        }
        Ok(())
    }

    fn locate(&mut self, url: &str) -> Result<(), String> {
        if self.url.is_some() {
            return Err(format!("found a second URL, {url:?}, expected one"));
        }
        self.url = Some(Url::parse(url)?);
        Ok(())
    }

    fn append_file_or(&mut self, value: &str) {
        self.from_file |= value.starts_with('@');
        self.append(value);
    }

    fn append(&mut self, value: &str) {
        let separator = if self.json { "" } else { "&" };
        self.data = Some(match self.data.take() {
            Some(data) => format!("{data}{separator}{value}"),
            None => value.to_owned(),
        });
    }

    /// The request that curl would send.
    ///
    /// # Errors
    /// Where there is no URL, more than one kind of body, or `-G` wants data that only a file has.
    pub fn request(mut self) -> Result<Request, String> {
        let url = self.url.take().ok_or("found no URL, expected one such as https://shop.example.com/checkout")?;
        if [self.data.is_some(), self.form, self.upload.is_some()].into_iter().filter(|kind| *kind).count() > 1 {
            return Err("found two kinds of body, expected one of -d, -F and -T".to_owned());
        }
        let mut target = if self.as_is { url.written } else { url.target };
        if let Some(upload) = &self.upload {
            target = uploaded(&target, upload);
        }
        if self.get
            && let Some(data) = self.data.take()
        {
            if self.from_file {
                return Err("found data from a file under -G, expected it spelled out".to_owned());
            }
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&data);
        }
        if self.authorization.is_none() {
            self.authorization = url.userinfo.as_deref().map(basic);
        }
        let method = self.method.take().unwrap_or_else(|| self.default_method().to_owned());
        let (headers, authority) = self.header_lines(url.authority);
        Ok(Request { method, authority, headers, ..Request::to(target) })
    }

    fn default_method(&self) -> &'static str {
        if self.head {
            "HEAD"
        } else if self.upload.is_some() {
            "PUT"
        } else if self.data.is_some() || self.form {
            "POST"
        } else {
            "GET"
        }
    }

    /// curl's own headers, unless a given one takes their place, then the given ones; the host apart.
    fn header_lines(self, host: String) -> (Vec<(String, Vec<u8>)>, Option<String>) {
        let replaced = |name: &str| self.headers.iter().any(|(given, _)| given == name);
        let own = self.own_headers().into_iter().filter(|(name, _)| !replaced(name));
        let own = own.map(|(name, value)| (name.to_owned(), value.into_bytes()));
        let given = self.headers.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let (hosts, headers): (Vec<_>, Vec<_>) = own.chain(given).partition(|(name, _)| name == "host");
        let given_host = hosts.into_iter().next().map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
        let authority = if replaced("host") { given_host } else { Some(host) };
        (headers, authority)
    }

    fn own_headers(&self) -> Vec<(&'static str, String)> {
        let agent = self.agent.clone().unwrap_or_else(|| USER_AGENT.to_owned());
        let accept = if self.json { "application/json" } else { "*/*" };
        let kind = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
        // curl adds a boundary, another one each time.
        let form = self.form.then_some("multipart/form-data");
        let kind = self.data.as_ref().map(|_| kind).or(form);
        let cookies = (!self.cookies.is_empty()).then(|| self.cookies.join("; "));
        let length = self.data.as_ref().filter(|_| !self.from_file).map(|data| data.len().to_string());
        [
            ("authorization", self.authorization.clone()),
            ("user-agent", Some(agent).filter(|agent| !agent.is_empty())),
            ("accept", Some(accept.to_owned())),
            ("referer", self.referer.clone()),
            ("cookie", cookies),
            ("content-length", length),
            ("content-type", kind.map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// `NAME: VALUE`, `NAME;` for an empty one, `NAME:` to take curl's own away.
fn header(line: &str) -> Result<(String, Option<Vec<u8>>), String> {
    let wrong = || format!("found the header {line:?}, expected NAME: VALUE, or NAME; for an empty value");
    let (name, value) = match line.split_once(':') {
        Some((name, value)) => (name, Some(value.trim()).filter(|value| !value.is_empty())),
        None => (line.strip_suffix(';').ok_or_else(wrong)?, Some("")),
    };
    let name = request::header_name(name.trim())?;
    Ok((name, value.map(request::header_value).transpose()?))
}

fn method(value: String) -> Result<String, String> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("found the method {value:?}, expected a word such as GET"));
    }
    Ok(value)
}

fn cookie(value: String) -> Result<String, String> {
    if value.contains('=') {
        Ok(value)
    } else {
        Err(format!("found a cookie file, {value:?}, expected the cookies themselves: NAME=VALUE; NAME=VALUE"))
    }
}

/// The target to send the file to: a path without a name at its end gets that of the file, as from curl.
fn uploaded(target: &str, file: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let name = file.rsplit('/').next().filter(|_| path.ends_with('/') && !matches!(file, "-" | "."));
    format!("{path}{}{query}", name.map(encode::percent).unwrap_or_default())
}

fn basic(user: &str) -> String {
    format!("Basic {}", encode::base64(user.as_bytes()))
}

/// `--data-urlencode`: `CONTENT`, `=CONTENT` or `NAME=CONTENT`, where only the content is encoded.
fn encoded(value: &str) -> Result<String, String> {
    match value.split_once('=') {
        Some(("", content)) => Ok(encode::percent(content)),
        Some((name, content)) => Ok(format!("{name}={}", encode::percent(content))),
        None if value.contains('@') => Err(format!("found data from a file, {value:?}, expected it spelled out")),
        None => Ok(encode::percent(value)),
    }
}
