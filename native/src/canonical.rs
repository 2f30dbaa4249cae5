//! The one canonical form of URLs and hosts, for list entries and for traffic.
//!
//! Rules: Google Safe Browsing "URLs and Hashing", widened so that all spellings that browsers
//! (WHATWG URL) treat alike get one key. Two properties hold for any bytes: no panic, and
//! `canonical(canonical(x)) == canonical(x)`.
//!
//! An ordinary URL takes one pass and borrows from its input; the first unusual byte sends it to
//! the slow path, which is the definition. Both give the same result (tested).

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

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

// ---------------------------------------------------------------- one-pass reading

const HOST: u8 = 1; // ordinary host byte, lower case
const UPPER: u8 = 2; // ordinary host byte, upper case
const PATH: u8 = 4; // stays as it is in a path
const QUERY: u8 = 8; // stays as it is in a query

/// Bytes that mean themselves, both to a browser and in the canonical form.
static CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut b = 0x21usize;
    while b < 0x7f {
        table[b] = match b as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => HOST | PATH | QUERY,
            b'A'..=b'Z' => UPPER | PATH | QUERY,
            b'%' | b'#' | b'"' | b'<' | b'>' => 0,
            b'\\' | b'?' | b'`' | b'{' | b'}' | b'^' | b'|' => QUERY,
            b'\'' => PATH,
            _ => PATH | QUERY,
        };
        b += 1;
    }
    table
};

fn plain_scheme(raw: &[u8]) -> Option<(&'static str, usize)> {
    if raw.starts_with(b"https://") {
        Some(("https", 8))
    } else if raw.starts_with(b"http://") {
        Some(("http", 7))
    } else {
        None
    }
}

/// The length of an ordinary lower- or upper-case name at the start of `raw`, and whether it has
/// upper case. `None` where anything needs thought: empty labels, odd bytes, addresses, lengths.
fn plain_host(raw: &[u8]) -> Option<(usize, bool)> {
    let mut upper = 0u8;
    let mut label_start = 0usize;
    let mut i = 0usize;
    while i < raw.len() {
        let byte = raw[i];
        let class = CLASS[byte as usize];
        if class & (HOST | UPPER) != 0 {
            upper |= class;
        } else if byte == b'.' {
            let label = i - label_start;
            if label == 0 || label > MAX_LABEL_BYTES {
                return None;
            }
            label_start = i + 1;
        } else {
            break;
        }
        i += 1;
    }
    let label = i - label_start;
    if label == 0 || label > MAX_LABEL_BYTES || i > MAX_HOST_BYTES {
        return None;
    }
    // A last label that begins with a digit may be an IPv4 address in some radix.
    if raw[label_start].is_ascii_digit() {
        return None;
    }
    Some((i, upper & UPPER != 0))
}

fn plain_url(raw: &[u8]) -> Option<Url<'_>> {
    if raw.len() > MAX_URL_BYTES {
        return None;
    }
    let (scheme, start) = plain_scheme(raw)?;
    let rest = &raw[start..];
    let (host_len, upper) = plain_host(rest)?;
    let host = &rest[..host_len];
    let tail = &rest[host_len..];
    let mut path_len = 0usize;
    let mut query = None;
    if let Some(&first) = tail.first() {
        if first != b'/' {
            return None;
        }
        let mut previous = 0u8;
        while path_len < tail.len() {
            let byte = tail[path_len];
            if CLASS[byte as usize] & PATH == 0 {
                if byte != b'?' {
                    return None;
                }
                let question = &tail[path_len + 1..];
                // A lone `?` is dropped from keys, so it needs a second look at its spelling.
                if question.is_empty() || question.iter().any(|&b| CLASS[b as usize] & QUERY == 0) {
                    return None;
                }
                query = Some(Cow::Borrowed(question));
                break;
            }
            // Empty and dot segments need resolving.
            if previous == b'/' && (byte == b'/' || byte == b'.') {
                return None;
            }
            previous = byte;
            path_len += 1;
        }
    }
    Some(Url {
        scheme,
        host: Host {
            name: if upper {
                Cow::Owned(host.to_ascii_lowercase())
            } else {
                Cow::Borrowed(host)
            },
            is_address: false,
        },
        path: Cow::Borrowed(&tail[..path_len]),
        query,
        plain: true,
    })
}

// ---------------------------------------------------------------- the definition

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

fn ipv6_host(text: &[u8]) -> Result<Host<'static>, Invalid> {
    let address: Ipv6Addr = std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or(Invalid::Ipv6)?;
    let segments = address.segments();
    let embedded = address.to_ipv4_mapped().or_else(|| {
        // NAT64 well-known prefix 64:ff9b::/96 (RFC 6052).
        (segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0]).then(|| {
            let [a, b] = segments[6].to_be_bytes();
            let [c, d] = segments[7].to_be_bytes();
            Ipv4Addr::new(a, b, c, d)
        })
    });
    let name = match embedded {
        Some(v4) => v4.to_string(),
        None => format!("[{address}]"),
    };
    Ok(Host {
        name: Cow::Owned(name.into_bytes()),
        is_address: true,
    })
}

fn host_name(raw: &[u8]) -> Result<Host<'static>, Invalid> {
    let mut name = collapse_dots(&decode(raw));
    // UTS 46 may itself produce escapes (full-width percent sign), so go on until nothing changes.
    // Each round removes an escape or a label that is not ASCII, or is the last.
    loop {
        name.make_ascii_lowercase();
        if name.is_ascii() {
            break;
        }
        // Beyond any legal length in every normal form, and UTS 46 takes quadratic time.
        if name.len() > 4 * MAX_HOST_BYTES {
            return Err(Invalid::HostTooLong);
        }
        let mapped = to_ascii(&name).unwrap_or_else(|| labels_to_ascii(&name));
        let next = collapse_dots(&decode(&mapped));
        if next == name {
            break;
        }
        name = next;
    }
    if name.is_empty() {
        return Err(Invalid::NoHost);
    }
    if let Some(address) = ipv4(&name) {
        return Ok(Host {
            name: Cow::Owned(address.to_string().into_bytes()),
            is_address: true,
        });
    }
    let mut out = Vec::with_capacity(name.len());
    for &byte in &name {
        // Delimiters are escaped as well: else a decoded one would split the name next time.
        escape(
            byte,
            matches!(byte, b'/' | b'\\' | b'?' | b'@' | b':' | b'[' | b']'),
            &mut out,
        );
    }
    if out.len() > MAX_HOST_BYTES {
        return Err(Invalid::HostTooLong);
    }
    if out
        .split(|&b| b == b'.')
        .any(|label| label.len() > MAX_LABEL_BYTES)
    {
        return Err(Invalid::LabelTooLong);
    }
    Ok(Host {
        name: Cow::Owned(out),
        is_address: false,
    })
}

/// A-labels by UTS 46 as browsers process it; `None`: some label is not valid.
fn to_ascii(name: &[u8]) -> Option<Vec<u8>> {
    idna::uts46::Uts46::new()
        .to_ascii(
            name,
            idna::AsciiDenyList::EMPTY,
            idna::uts46::Hyphens::Allow,
            idna::uts46::DnsLength::Ignore,
        )
        .map(|mapped| mapped.into_owned().into_bytes())
        .ok()
}

/// Each label for itself, so that an invalid one does not keep its neighbours from being read.
fn labels_to_ascii(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    loop {
        let end = (0..rest.len()).find(|&i| dot_bytes(&rest[i..]) > 0);
        let label = &rest[..end.unwrap_or(rest.len())];
        match to_ascii(label) {
            Some(ascii) => out.extend_from_slice(&ascii),
            None => out.extend_from_slice(label),
        }
        let Some(end) = end else { return out };
        out.push(b'.');
        rest = &rest[end + dot_bytes(&rest[end..])..];
    }
}

/// The length of the label separator (UTS 46 §2.3) that `text` begins with, or 0.
fn dot_bytes(text: &[u8]) -> usize {
    match text {
        [b'.', ..] => 1,
        [0xe3, 0x80, 0x82, ..] | [0xef, 0xbc, 0x8e, ..] | [0xef, 0xbd, 0xa1, ..] => 3,
        _ => 0,
    }
}

/// Leading and trailing dots go, runs become one.
fn collapse_dots(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for label in name.split(|&b| b == b'.').filter(|l| !l.is_empty()) {
        if !out.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(label);
    }
    out
}

/// An IPv4 address as `inet_aton` and browsers read it: one to four parts, each decimal, octal or
/// hexadecimal, the last one filling the bytes that are left. `None`: it is a name.
fn ipv4(name: &[u8]) -> Option<Ipv4Addr> {
    let parts: Vec<&[u8]> = name.split(|&b| b == b'.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut address = 0u32;
    for (i, part) in parts.iter().enumerate() {
        let value = ipv4_part(part)?;
        if i + 1 < parts.len() {
            if value > 0xff {
                return None;
            }
            address |= (value as u32) << (24 - 8 * i);
        } else {
            if value >= 1u64 << (8 * (4 - i)) {
                return None;
            }
            address |= value as u32;
        }
    }
    Some(Ipv4Addr::from(address))
}

fn ipv4_part(part: &[u8]) -> Option<u64> {
    let (digits, radix) = match part {
        [] => return None,
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => (part, 10),
    };
    let mut value = 0u64;
    for &digit in digits {
        value = value * radix + u64::from((digit as char).to_digit(radix as u32)?);
        if value > u64::from(u32::MAX) {
            return None;
        }
    }
    Some(value)
}

fn path_and_query(tail: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    let question = tail.iter().position(|&b| b == b'?').unwrap_or(tail.len());
    let mut whole = as_browsers_resolve(&tail[..question]);
    whole.extend_from_slice(&tail[question..]);
    let whole = decode(&whole);
    // Split again: a decoded `?` starts the query, as it would when the result is read again.
    let question = whole.iter().position(|&b| b == b'?').unwrap_or(whole.len());
    let path = resolve_path(&whole[..question]);
    let query = whole.get(question + 1..).map(|query| {
        let mut out = Vec::with_capacity(query.len());
        for &byte in query {
            escape(byte, false, &mut out);
        }
        out
    });
    (path, query)
}

/// Slashes and dot segments as WHATWG reads them, before anything is decoded: here an empty segment
/// is one, and an escaped slash is none. Without this, `/a//../b` and `/a%2Fb/../c` would not get the
/// key of what browsers ask for, `/a/b` and `/c`.
fn as_browsers_resolve(path: &[u8]) -> Vec<u8> {
    let path: Vec<u8> = path
        .iter()
        .map(|&b| if b == b'\\' { b'/' } else { b })
        .collect();
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut resolved = false;
    for segment in path.split(|&b| b == b'/').skip(1) {
        resolved = match dots(segment) {
            1 => true,
            2 => {
                segments.pop();
                true
            }
            _ => {
                segments.push(segment);
                false
            }
        };
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in segments {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if resolved {
        out.push(b'/');
    }
    out
}

/// How many dots a segment consists of, each written as `.` or `%2e`; 0: it is no dot segment.
fn dots(segment: &[u8]) -> usize {
    let (mut rest, mut count) = (segment, 0);
    while !rest.is_empty() && count < 3 {
        rest = match rest {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return 0,
        };
        count += 1;
    }
    count % 3
}

/// RFC 3986 5.2.4, with runs of slashes as one.
fn resolve_path(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut directory = true;
    for segment in path.split(|&b| b == b'/') {
        directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let mut out = Vec::with_capacity(path.len() + 1);
    for segment in &segments {
        out.push(b'/');
        for &byte in *segment {
            // A decoded backslash stays apart from the raw one, which was a slash.
            escape(byte, byte == b'\\', &mut out);
        }
    }
    if directory || segments.is_empty() {
        out.push(b'/');
    }
    out
}

/// Percent-decoding to its fixed point, in linear time: a decoded byte may complete an escape that
/// began before it, so the end of the output is looked at again after each byte.
fn decode(raw: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    for &byte in raw {
        out.push(byte);
        while let [.., b'%', high, low] = out.as_slice() {
            let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                break;
            };
            out.truncate(out.len() - 3);
            out.push(high << 4 | low);
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

fn escape(byte: u8, also: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if also || byte <= 0x20 || byte >= 0x7f || byte == b'#' || byte == b'%' {
        out.extend_from_slice(&[
            b'%',
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    } else {
        out.push(byte);
    }
}
