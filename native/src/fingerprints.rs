//! Fingerprints of a list's lines: what tells one version of a list from another, and nothing of its text
//! to whoever cannot guess a line. Sixteen bytes of SHA-256 (FIPS 180-4) each, ascending, none twice.

use crate::both::both;
use sha2::{Digest, Sha256};
use std::fmt;

pub const PRINT_BYTES: usize = 16;

/// Bytes of lines below which a second thread is not worth its start.
const WORTH_IT: usize = 1 << 16;

/// Big-endian: numbers and bytes have one order.
pub type Print = u128;

pub fn of_line(line: &[u8]) -> Print {
    let mut print = [0; PRINT_BYTES];
    print.copy_from_slice(&Sha256::digest(line)[..PRINT_BYTES]);
    Print::from_be_bytes(print)
}

pub fn to_bytes(mut prints: Vec<Print>) -> Vec<u8> {
    prints.sort_unstable();
    prints.dedup();
    prints.into_iter().flat_map(Print::to_be_bytes).collect()
}

/// Of all lines of a body, whose last one need not end.
pub fn of_body(body: &[u8]) -> Result<Vec<Print>, Refused> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    std::str::from_utf8(body).map_err(|_| Refused::NoText)?;
    let lines = body.strip_suffix(b"\n").unwrap_or(body);
    let of_lines =
        |lines: &[u8]| -> Vec<Print> { lines.split(|&b| b == b'\n').map(of_line).collect() };
    let half = lines.len() / 2;
    let mut prints = match lines[half..].iter().position(|&b| b == b'\n') {
        Some(end) if lines.len() >= WORTH_IT => {
            let (one, other) = (&lines[..half + end], &lines[half + end + 1..]);
            let (mut prints, more) = both(|| of_lines(one), || of_lines(other));
            prints.extend(more);
            prints
        }
        _ => of_lines(lines),
    };
    prints.sort_unstable();
    if prints.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refused::Repeated);
    }
    Ok(prints)
}

/// Why there are none, or a change cannot be applied. Never carries a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Malformed,
    RemovedIsMissing,
    AddedIsThere,
    NoText,
    Repeated,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "fingerprints are 16 bytes each, ascending, none twice",
            Self::RemovedIsMissing => "a line that goes is not in the list that is changed",
            Self::AddedIsThere => "a line that comes is in the list that is changed already",
            Self::NoText => "the list is no text in UTF-8",
            Self::Repeated => "a line is there twice",
        })
    }
}

/// The fingerprints of a list after a change, in one pass over all three.
pub fn change(prints: &[u8], removed: &[u8], added: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut removed = Ascending::of(removed)?;
    let mut added = Ascending::of(added)?;
    let mut out =
        Vec::with_capacity((prints.len() + added.0.len()).saturating_sub(removed.0.len()));
    let mut base = Ascending::of(prints)?;
    while let Some(print) = base.next()? {
        while let Some(new) = added.peek().filter(|new| *new < print) {
            added.next()?;
            out.extend_from_slice(&new.to_be_bytes());
        }
        if added.peek() == Some(print) {
            return Err(Refused::AddedIsThere);
        }
        match removed.peek() {
            Some(gone) if gone < print => return Err(Refused::RemovedIsMissing),
            Some(gone) if gone == print => {
                removed.next()?;
            }
            _ => out.extend_from_slice(&print.to_be_bytes()),
        }
    }
    if removed.peek().is_some() {
        return Err(Refused::RemovedIsMissing);
    }
    while let Some(new) = added.next()? {
        out.extend_from_slice(&new.to_be_bytes());
    }
    Ok(out)
}

/// What is left of a run of fingerprints, checked while it is read.
struct Ascending<'a>(&'a [u8]);

impl<'a> Ascending<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Refused> {
        if bytes.len() % PRINT_BYTES == 0 {
            Ok(Self(bytes))
        } else {
            Err(Refused::Malformed)
        }
    }

    fn peek(&self) -> Option<Print> {
        let (first, _) = self.0.split_first_chunk()?;
        Some(Print::from_be_bytes(*first))
    }

    fn next(&mut self) -> Result<Option<Print>, Refused> {
        let Some((first, rest)) = self.0.split_first_chunk() else {
            return Ok(None);
        };
        let print = Print::from_be_bytes(*first);
        self.0 = rest;
        if self.peek().is_some_and(|next| next <= print) {
            return Err(Refused::Malformed);
        }
        Ok(Some(print))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(lines: &[&str]) -> Vec<u8> {
        to_bytes(lines.iter().map(|line| of_line(line.as_bytes())).collect())
    }

    #[test]
    fn fingerprints_are_the_first_half_of_sha_256_ascending_and_none_twice() {
        // FIPS 180-4 example: SHA-256("abc").
        assert_eq!(of_line(b"abc"), 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223);
        assert_eq!(prints(&["b", "abc", "b"]), prints(&["abc", "b"]));
        assert_eq!(prints(&["abc", "b"]).len(), 2 * PRINT_BYTES);
    }

    #[test]
    fn those_of_a_body_are_those_of_its_lines() {
        for body in ["b\nabc\n", "abc\nb"] {
            let whole = of_body(body.as_bytes()).map(to_bytes);
            assert_eq!(whole, Ok(prints(&["abc", "b"])));
        }
        assert_eq!(of_body(b""), Ok(Vec::new()));
        assert_eq!(of_body(b"\n").map(to_bytes), Ok(prints(&[""])));
        assert_eq!(of_body(b"a\n\n").map(to_bytes), Ok(prints(&["a", ""])));
        assert_eq!(of_body(b"a\nb\na\n"), Err(Refused::Repeated));
        assert_eq!(of_body(b"a\n\xff\n"), Err(Refused::NoText));
    }

    #[test]
    fn a_change_of_the_fingerprints_is_that_of_the_lines() {
        let changed = change(
            &prints(&["a", "b", "c"]),
            &prints(&["b"]),
            &prints(&["d", "e"]),
        );
        assert_eq!(changed, Ok(prints(&["a", "c", "d", "e"])));
    }

    #[test]
    fn a_change_of_another_list_is_refused() {
        let base = prints(&["a", "b"]);
        let refused = |removed: &[u8], added: &[u8]| change(&base, removed, added);
        assert_eq!(
            refused(&prints(&["c"]), &[]),
            Err(Refused::RemovedIsMissing)
        );
        assert_eq!(refused(&[], &prints(&["a"])), Err(Refused::AddedIsThere));
        assert_eq!(
            refused(&prints(&["a"]), &prints(&["a"])),
            Err(Refused::AddedIsThere)
        );
        assert_eq!(refused(&[0; 15], &[]), Err(Refused::Malformed));
        assert_eq!(refused(&[], &[9; 32]), Err(Refused::Malformed));
    }
}
