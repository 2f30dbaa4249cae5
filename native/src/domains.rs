//! Entries under each registered domain of a list, counted in eight bytes an entry.
//!
//! For nearly every name the registered domain is its last two labels, or three where those two are a
//! public suffix. The others are called odd and are left to who knows the rules: addresses, suffixes
//! themselves, and names whose last labels some other rule could be about.

use siphasher::sip::SipHasher13;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

pub struct Domains {
    hash: SipHasher13,
    /// Public suffixes of two labels, by their hashes like all names here.
    suffixes: Hashes,
    /// Last two or three labels of odd names.
    tails: Hashes,
    /// Last bytes of odd names.
    ends: Vec<Vec<u8>>,
    counted: Vec<u64>,
}

type Hashes = HashSet<u64, BuildHasherDefault<Hashed>>;

impl Domains {
    /// `key` is secret and new for each list, so that no author can choose what is looked at together.
    pub fn new(key: &[u8; 16], suffixes: &[String], tails: &[String], ends: &[String]) -> Self {
        let hash = SipHasher13::new_with_key(key);
        let hashes = |names: &[String]| names.iter().map(|n| hash.hash(n.as_bytes())).collect();
        Self {
            suffixes: hashes(suffixes),
            tails: hashes(tails),
            ends: ends.iter().map(|end| end.as_bytes().to_vec()).collect(),
            counted: Vec::new(),
            hash,
        }
    }

    /// Counts an entry by its key and gives the hash of its registered domain, and whether the key is that
    /// domain; None: its host is odd.
    pub fn add(&mut self, key: &[u8]) -> Option<(u64, bool)> {
        let host = key.split(|&b| b == b'/').next().unwrap_or(key);
        let (hash, domain) = self.registered(host)?;
        self.counted.push(hash);
        Some((hash, domain.len() == key.len()))
    }

    /// A host's registered domain and its hash; None: it is odd.
    fn registered<'a>(&self, host: &'a [u8]) -> Option<(u64, &'a [u8])> {
        if host.last().is_none_or(|&b| b.is_ascii_digit() || b == b']')
            || self.ends.iter().any(|end| host.ends_with(end))
        {
            return None;
        }
        let two = last_labels(host, 2);
        let hash = self.hash.hash(two);
        if self.tails.contains(&hash) {
            return None;
        }
        if !self.suffixes.contains(&hash) {
            return Some((hash, two));
        }
        let three = last_labels(host, 3);
        let hash = self.hash.hash(three);
        (three.len() > two.len() && !self.tails.contains(&hash)).then_some((hash, three))
    }

    /// Counts an entry by its registered domain, and gives that one's hash.
    pub fn count(&mut self, domain: &[u8]) -> u64 {
        let hash = self.hash.hash(domain);
        self.counted.push(hash);
        hash
    }

    /// (domains with more entries than `limit`, entries under the one with most)
    pub fn over(&mut self, limit: usize) -> (usize, usize) {
        self.counted.sort_unstable();
        let (mut over, mut most) = (0, 0);
        for run in self.counted.chunk_by(|one, next| one == next) {
            over += usize::from(run.len() > limit);
            most = most.max(run.len());
        }
        (over, most)
    }
}

/// The last labels of a name, or all of a shorter one.
fn last_labels(host: &[u8], count: usize) -> &[u8] {
    let mut dots = host.iter().enumerate().rev().filter(|(_, &b)| b == b'.');
    dots.nth(count - 1).map_or(host, |(at, _)| &host[at + 1..])
}

/// Takes a keyed hash as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are looked up");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(suffixes: &[&str], tails: &[&str], ends: &[&str]) -> Domains {
        let owned = |names: &[&str]| names.iter().copied().map(String::from).collect::<Vec<_>>();
        Domains::new(&[7; 16], &owned(suffixes), &owned(tails), &owned(ends))
    }

    #[test]
    fn names_and_pages_of_one_registered_domain_have_one_hash() {
        let mut domains = domains(&["co.example"], &[], &[]);
        let (first, is_whole) = domains.add(b"bad.example").unwrap();
        assert!(is_whole);
        for key in ["a.b.bad.example", "www.bad.example/a.b/c.d?e.f"] {
            assert_eq!(domains.add(key.as_bytes()), Some((first, false)));
        }
        assert_ne!(domains.add(b"xbad.example"), Some((first, true)));
        let (other, _) = domains.add(b"a.b.co.example").unwrap();
        assert_eq!(domains.add(b"b.co.example"), Some((other, true)));
        assert_ne!(domains.add(b"c.co.example"), Some((other, true)));
        assert_eq!(domains.over(2), (1, 3));
        assert_eq!(domains.over(3), (0, 3));
    }

    #[test]
    fn what_may_have_another_registered_domain_is_odd() {
        let mut domains = domains(&["co.example"], &["x.co.example", "up.example"], &[".zz"]);
        for key in [
            "a.x.co.example",
            "x.co.example",
            "co.example/p",
            "a.up.example/p",
            "a.b.zz",
            "192.0.2.1/p",
            "[2001:db8::1]",
            "",
        ] {
            assert_eq!(domains.add(key.as_bytes()), None);
        }
        assert!(domains.add(b"a.xco.example").is_some());
        assert!(domains.add(b"single").is_some());
    }
}
