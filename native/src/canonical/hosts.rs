//! Hosts by definition: escapes, dots, IDNA (UTS 46), and addresses in any spelling.

use super::escapes::{decode, escape};
use super::{Host, Invalid, MAX_HOST_BYTES, MAX_LABEL_BYTES};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

pub fn ipv6_host(text: &[u8]) -> Result<Host<'static>, Invalid> {
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

pub fn host_name(raw: &[u8]) -> Result<Host<'static>, Invalid> {
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
