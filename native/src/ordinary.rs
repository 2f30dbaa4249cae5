//! The two kinds of lines that make up nearly every list, read at once: plain names, and pages as
//! `http://host/path`. Whatever is not clearly one of them is left to the grammar in
//! `cop_filter/entries.py`, of which this is a short cut.

use crate::canonical;
use crate::spelling;

/// Canonical key and spelling tag of an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Ordinary {
    /// A host with all its subdomains.
    Domain(Vec<u8>, u32),
    /// A page, with exactly its query.
    Page(Vec<u8>, u32),
}

/// Reads a line; None: it is not ordinary, or no entry at all.
pub fn read(line: &[u8]) -> Option<Ordinary> {
    if line.iter().all(|&b| is_of_name(b)) {
        return domain(line);
    }
    let schemed = line.starts_with(b"http://") || line.starts_with(b"https://");
    let fit = schemed
        && line.iter().all(|b| b.is_ascii_graphic() && *b != b'*')
        // These may be a prefix or a page, by rules of their own.
        && !matches!(line.last(), Some(b'/' | b'\\' | b'?'));
    if fit {
        page(line)
    } else {
        None
    }
}

fn domain(line: &[u8]) -> Option<Ordinary> {
    let host = canonical::host(line).ok()?;
    if host.is_address || !host.name.contains(&b'.') {
        return None;
    }
    let tag = spelling::host_tag(line, &host);
    Some(Ordinary::Domain(host.name.into_owned(), tag))
}

fn page(line: &[u8]) -> Option<Ordinary> {
    let url = canonical::url(line).ok()?;
    if !url.host.name.iter().all(|&b| is_of_name(b)) {
        return None;
    }
    Some(Ordinary::Page(url.key(), spelling::url_tag(line, &url)))
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_pages_are_read_in_canonical_form() {
        assert_eq!(
            read(b"Bad.Example"),
            Some(Ordinary::Domain(b"bad.example".to_vec(), 0))
        );
        assert_eq!(
            read(b"https://H.example/a/../p?q"),
            Some(Ordinary::Page(b"h.example/p?q".to_vec(), 0))
        );
    }

    #[test]
    fn whatever_has_rules_of_its_own_is_left_to_them() {
        for line in [
            "",
            "single",
            "192.0.2.1",
            "=www.bad.example",
            "*.bad.example",
            "h.example/p",
            "http://h.example/",
            "http://h.example/p?",
            "http://h.example/a/*/b",
            "http://[2001:db8::1]/p",
            "http://h.example/a b",
            "HTTP://h.example/p",
            "http://h.example:99999/p",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }
}
