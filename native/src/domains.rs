//! Entries under each registered domain of a list, counted in eight bytes an entry.
//!
//! Of a change, what comes and goes is counted upon what there was: a table of those domains that had two
//! entries or more, as twelve bytes each (hash, count; big-endian), ascending, none twice.
//!
//! For nearly every name the registered domain is its last two labels, or three where those two are a
//! public suffix. The others are called odd and are left to who knows the rules: addresses, suffixes
//! themselves, and names whose last labels some other rule could be about.

use siphasher::sip::SipHasher13;
use std::cmp::min;
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
    come: Vec<u64>,
    gone: Vec<u64>,
    /// None: there was nothing.
    before: Option<Vec<(u64, usize)>>,
}

/// Of a registered domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    domain: u64,
    entries: usize,
    /// Some of its entries come.
    grows: bool,
}

const HASH_BYTES: usize = 8;
const COUNT_BYTES: usize = 4;

/// Entries from which on a domain is in the table.
const TOLD: usize = 2;

/// What a domain had before that is not in the table: at most one too many, until a list comes whole.
const UNTOLD: usize = TOLD - 1;

type Hashes = HashSet<u64, BuildHasherDefault<Hashed>>;

impl Domains {
    /// `key` is secret and another for each list, so that no author can choose what is looked at together.
    pub fn new(key: &[u8; 16], suffixes: &[String], tails: &[String], ends: &[String]) -> Self {
        let hash = SipHasher13::new_with_key(key);
        let hashes = |names: &[String]| names.iter().map(|n| hash.hash(n.as_bytes())).collect();
        Self {
            suffixes: hashes(suffixes),
            tails: hashes(tails),
            ends: ends.iter().map(|end| end.as_bytes().to_vec()).collect(),
            come: Vec::new(),
            gone: Vec::new(),
            before: None,
            hash,
        }
    }

    /// Counts upon a table that was made under the same key. None: it is none.
    pub fn upon(self, table: &[u8]) -> Option<Self> {
        let records = table.chunks_exact(HASH_BYTES + COUNT_BYTES);
        let whole = records.remainder().is_empty();
        let before: Vec<_> = records.map(read).collect();
        let ascending = before.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (whole && ascending).then_some(Self {
            before: Some(before),
            ..self
        })
    }

    /// Counts an entry by its key and gives the hash of its registered domain, and whether the key is that
    /// domain; None: its host is odd.
    pub fn add(&mut self, key: &[u8]) -> Option<(u64, bool)> {
        let (hash, domain) = self.registered(host_of(key))?;
        self.come.push(hash);
        Some((hash, domain.len() == key.len()))
    }

    /// Counts an entry that goes; false: its host is odd.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let found = self.registered(host_of(key));
        self.gone.extend(found.map(|(hash, _)| hash));
        found.is_some()
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
        self.come.push(hash);
        hash
    }

    /// Counts an entry that goes by its registered domain.
    pub fn uncount(&mut self, domain: &[u8]) {
        self.gone.push(self.hash.hash(domain));
    }

    /// Of the domains that grow: (those with more entries than `limit`, entries under the one with most)
    pub fn over(&mut self, limit: usize) -> (usize, usize) {
        let (mut over, mut most) = (0, 0);
        self.each(|count| {
            if count.grows {
                over += usize::from(count.entries > limit);
                most = most.max(count.entries);
            }
        });
        (over, most)
    }

    /// The table that the next change counts upon.
    pub fn table(&mut self) -> Vec<u8> {
        let mut table = Vec::new();
        self.each(|count| {
            if count.entries >= TOLD {
                table.extend_from_slice(&count.domain.to_be_bytes());
                let entries = u32::try_from(count.entries).unwrap_or(u32::MAX);
                table.extend_from_slice(&entries.to_be_bytes());
            }
        });
        table
    }

    /// Visits every domain that is told of or changes, ascending.
    fn each(&mut self, mut visit: impl FnMut(Count)) {
        self.come.sort_unstable();
        self.gone.sort_unstable();
        let mut come = self.come.chunk_by(u64::eq).peekable();
        let mut gone = self.gone.chunk_by(u64::eq).peekable();
        let mut before = self.before.iter().flatten().peekable();
        let untold = if self.before.is_some() { UNTOLD } else { 0 };
        loop {
            let changes = [come.peek(), gone.peek()].map(|run| run.map(|run| run[0]));
            let told = before.peek().map(|told| told.0);
            let Some(domain) = [changes[0], changes[1], told]
                .into_iter()
                .flatten()
                .reduce(min)
            else {
                return;
            };
            let had = before
                .next_if(|told| told.0 == domain)
                .map_or(untold, |told| told.1);
            let added = come.next_if(|run| run[0] == domain).map_or(0, <[u64]>::len);
            let removed = gone.next_if(|run| run[0] == domain).map_or(0, <[u64]>::len);
            visit(Count {
                domain,
                entries: (had + added).saturating_sub(removed),
                grows: added > 0,
            });
        }
    }
}

fn read(record: &[u8]) -> (u64, usize) {
    let (hash, count) = record.split_at(HASH_BYTES);
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    };
    (number(hash), number(count) as usize)
}

fn host_of(key: &[u8]) -> &[u8] {
    key.split(|&b| b == b'/').next().unwrap_or(key)
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
    fn a_change_is_counted_upon_what_there_was() {
        let fresh = || domains(&[], &[], &[]);
        let mut whole = fresh();
        for key in [
            "a.many.example",
            "b.many.example",
            "c.many.example",
            "one.example",
        ] {
            whole.add(key.as_bytes());
        }
        let table = whole.table();
        assert_eq!(table.len(), 12);

        let mut change = fresh().upon(&table).unwrap();
        change.add(b"d.many.example/p");
        assert_eq!(change.over(3), (1, 4));
        assert!(change.remove(b"a.many.example"));
        assert_eq!(change.over(3), (0, 3));
        // It may have had one, and the table says of none.
        change.add(b"new.example");
        change.remove(b"b.two.example");
        let table = change.table();
        assert_eq!(table.len(), 24);

        let mut last = fresh().upon(&table).unwrap();
        for key in [
            "b.many.example",
            "c.many.example",
            "d.many.example/p",
            "new.example",
        ] {
            assert!(last.remove(key.as_bytes()));
        }
        assert_eq!(last.over(0), (0, 0));
        assert!(last.table().is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for table in [&[0; 11][..], &[0; 24], &[9; 13]] {
            assert!(domains(&[], &[], &[]).upon(table).is_none());
        }
        assert!(domains(&[], &[], &[]).upon(&[]).is_some());
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
