//! The one-pass reading of ordinary hosts and URLs, which borrows from its input. `None` where
//! anything needs thought: the definition then decides.

use super::{Host, Url, MAX_HOST_BYTES, MAX_LABEL_BYTES, MAX_URL_BYTES};
use std::borrow::Cow;

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
pub fn plain_host(raw: &[u8]) -> Option<(usize, bool)> {
    let (mut upper, mut label, mut length) = (0u8, 0usize, raw.len());
    for (i, &byte) in raw.iter().enumerate() {
        let class = CLASS[usize::from(byte)];
        if class & (HOST | UPPER) != 0 {
            upper |= class;
            label += 1;
        } else if byte == b'.' {
            if label == 0 || label > MAX_LABEL_BYTES {
                return None;
            }
            label = 0;
        } else {
            length = i;
            break;
        }
    }
    if label == 0 || label > MAX_LABEL_BYTES || length > MAX_HOST_BYTES {
        return None;
    }
    // A last label that begins with a digit may be an IPv4 address in some radix.
    if raw[length - label].is_ascii_digit() {
        return None;
    }
    Some((length, upper & UPPER != 0))
}

pub fn plain_url(raw: &[u8]) -> Option<Url<'_>> {
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
