//! The one canonical form of URLs and hosts, for list entries and for traffic.
//!
//! Rules: Google Safe Browsing "URLs and Hashing", widened so that all spellings that browsers
//! (WHATWG URL) treat alike get one key. Two properties hold for any bytes: no panic, and
//! `canonical(canonical(x)) == canonical(x)`.
//!
//! An ordinary URL takes one pass and borrows from its input; the first unusual byte sends it to
//! the slow path, which is the definition. Both give the same result (tested).

mod escapes;
mod hosts;
mod paths;
mod plain;

use std::borrow::Cow;
use std::fmt;

use hosts::{host_name, ipv6_host};
use paths::path_and_query;
use plain::{plain_host, plain_url};

pub const MAX_URL_BYTES: usize = 64 * 1024;
pub const MAX_HOST_BYTES: usize = 253;
pub const MAX_LABEL_BYTES: usize = 63;

/// Why a word has no canonical form. Never carries the word itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    Empty,
    TooLong,
    NoHost,
    HostTooLong,
    LabelTooLong,
    Scheme,
    Port,
    Ipv6,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "not a URL or host: it is empty",
            Self::TooLong => "not a URL or host: it is longer than 64 KiB",
            Self::NoHost => "not a URL or host: it has no host",
            Self::HostTooLong => "not a URL or host: its host is longer than 253 bytes",
            Self::LabelTooLong => "not a URL or host: its host has a label longer than 63 bytes",
            Self::Scheme => "not a URL or host: its scheme is not http, https, ws, wss or ftp",
            Self::Port => "not a URL or host: its port is not a number from 0 to 65535",
            Self::Ipv6 => "not a URL or host: its host is not a valid IPv6 address",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host<'a> {
    pub name: Cow<'a, [u8]>,
    pub is_address: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url<'a> {
    pub scheme: &'static str,
    pub host: Host<'a>,
    /// Starts with `/`; empty means `/` and borrows nothing.
    pub path: Cow<'a, [u8]>,
    /// Without its `?`.
    pub query: Option<Cow<'a, [u8]>>,
    /// True when the one-pass reading sufficed: then no browser tells it from its canonical form.
    pub plain: bool,
}

impl Url<'_> {
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() {
            b"/"
        } else {
            &self.path
        }
    }

    /// What is looked up: host, path and query. A lone `?` asks for the same page as none.
    pub fn key(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + self.host.name.len() + self.path.len());
        out.extend_from_slice(&self.host.name);
        out.extend_from_slice(self.path());
        if let Some(query) = self.query.as_deref().filter(|q| !q.is_empty()) {
            out.push(b'?');
            out.extend_from_slice(query);
        }
        out
    }
}

/// Canonical form of a URL; a missing scheme reads as http.
pub fn url(raw: &[u8]) -> Result<Url<'_>, Invalid> {
    match plain_url(raw) {
        Some(url) => Ok(url),
        None => url_by_definition(raw),
    }
}

/// The slow path, exposed so that tests can hold the one-pass reading against it.
pub fn url_by_definition(raw: &[u8]) -> Result<Url<'static>, Invalid> {
    if raw.len() > MAX_URL_BYTES {
        return Err(Invalid::TooLong);
    }
    let mut text: Vec<u8> = trim(raw)
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\t' | b'\r' | b'\n'))
        .collect();
    if let Some(hash) = text.iter().position(|&b| b == b'#') {
        text.truncate(hash);
    }
    if text.is_empty() {
        return Err(Invalid::Empty);
    }
    let (scheme, rest) = split_scheme(&text)?;
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'\\' | b'?'))
        .unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host = authority_host(authority)?;
    let (path, query) = path_and_query(tail);
    let url = Url {
        scheme,
        host,
        path: Cow::Owned(path),
        query: query.map(Cow::Owned),
        plain: false,
    };
    let length = scheme.len()
        + 3
        + url.host.name.len()
        + url.path.len()
        + url.query.as_ref().map_or(0, |q| q.len() + 1);
    if length > MAX_URL_BYTES {
        return Err(Invalid::TooLong);
    }
    Ok(url)
}

/// Canonical form of a host alone: a name, or an address literal with or without brackets.
pub fn host(raw: &[u8]) -> Result<Host<'_>, Invalid> {
    if let Some((length, upper)) = plain_host(raw) {
        if length == raw.len() {
            return Ok(Host {
                name: if upper {
                    Cow::Owned(raw.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(raw)
                },
                is_address: false,
            });
        }
    }
    if raw.len() > MAX_URL_BYTES {
        return Err(Invalid::TooLong);
    }
    let text: Vec<u8> = trim(raw)
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\t' | b'\r' | b'\n'))
        .collect();
    if text.is_empty() {
        return Err(Invalid::Empty);
    }
    let colons = text.iter().filter(|&&b| b == b':').count();
    if text.starts_with(b"[") {
        authority_host(&text)
    } else if colons > 1 {
        ipv6_host(&text)
    } else if colons == 1 {
        // "host:port", as in CONNECT targets and Host fields.
        let colon = text.iter().position(|&b| b == b':').unwrap_or(text.len());
        check_port(&text[colon + 1..])?;
        host_name(&text[..colon])
    } else {
        host_name(&text)
    }
}

/// Without the control characters and spaces at both ends (WHATWG "C0 control or space").
fn trim(raw: &[u8]) -> &[u8] {
    let end = raw.iter().rposition(|&b| b > 0x20).map_or(0, |i| i + 1);
    let start = raw.iter().position(|&b| b > 0x20).unwrap_or(end);
    &raw[start..end]
}

const SCHEMES: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];

fn split_scheme(text: &[u8]) -> Result<(&'static str, &[u8]), Invalid> {
    let colon = text.iter().position(|&b| b == b':').filter(|&i| {
        text[0].is_ascii_alphabetic()
            && text[..i]
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    let Some(colon) = colon else {
        return Ok(("http", text));
    };
    let (word, rest) = (&text[..colon], &text[colon + 1..]);
    if let Some(scheme) = SCHEMES
        .iter()
        .find(|s| s.as_bytes().eq_ignore_ascii_case(word))
    {
        // Browsers accept none or one slash of either kind as well. More than two would make the
        // path's first segment the host; the published vectors call that invalid.
        let slashes = rest
            .iter()
            .take(2)
            .take_while(|b| matches!(b, b'/' | b'\\'))
            .count();
        return Ok((scheme, &rest[slashes..]));
    }
    // "name:8080/path" has no scheme; "mailto:x" and "file:///x" have one that is not ours.
    let port = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'\\' | b'?'))
        .unwrap_or(rest.len());
    if rest[..port].iter().all(u8::is_ascii_digit) && !rest.starts_with(b"//") {
        Ok(("http", text))
    } else {
        Err(Invalid::Scheme)
    }
}

fn authority_host(authority: &[u8]) -> Result<Host<'static>, Invalid> {
    let after_userinfo = match authority.iter().rposition(|&b| b == b'@') {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    if after_userinfo.starts_with(b"[") {
        let close = after_userinfo
            .iter()
            .position(|&b| b == b']')
            .ok_or(Invalid::Ipv6)?;
        match &after_userinfo[close + 1..] {
            [] => {}
            [b':', port @ ..] => check_port(port)?,
            _ => return Err(Invalid::Ipv6),
        }
        return ipv6_host(&after_userinfo[1..close]);
    }
    let name = match after_userinfo.iter().position(|&b| b == b':') {
        Some(colon) => {
            check_port(&after_userinfo[colon + 1..])?;
            &after_userinfo[..colon]
        }
        None => after_userinfo,
    };
    host_name(name)
}

fn check_port(port: &[u8]) -> Result<(), Invalid> {
    let mut value = 0u32;
    for byte in port {
        if !byte.is_ascii_digit() {
            return Err(Invalid::Port);
        }
        value = (value * 10 + u32::from(byte - b'0')).min(1 << 20);
    }
    if value > 0xffff {
        return Err(Invalid::Port);
    }
    Ok(())
}
