//! Paths and queries by definition: slashes and dot segments, before and after decoding.

use super::escapes::{decode, escape};

pub fn path_and_query(tail: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
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
