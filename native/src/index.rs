//! Reading: an immutable, memory-mapped index.

use crate::canonical::{Host, Url};
use crate::entries::Entry;
use crate::layout::{
    self, filter_mask, filter_word, hash_at, u32_at, u64_at, Header, Keys, HASH_BYTES,
    RECORD_BYTES, WORD_BYTES,
};
use crate::records::{Meta, Record, RecordKind};
use memmap2::Mmap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::fs::File;
use std::hash::Hasher;
use std::path::Path;

/// Keyed SipHash-1-3 with 128 bits of output.
#[derive(Clone)]
pub struct KeyedHash(SipHasher13);

impl KeyedHash {
    pub fn new(keys: &Keys) -> Self {
        Self(SipHasher13::new_with_key(&keys.hash))
    }

    pub fn of(&self, key: &[u8]) -> u128 {
        self.0.hash(key).as_u128()
    }

    /// The record that one text of a list makes.
    pub fn record(&self, list: u32, kind: RecordKind, key: &[u8], tag: u32) -> Record {
        Record {
            hash: self.of(key),
            meta: Meta::new(list, kind, self.tag(tag)),
        }
    }

    /// Tags are stored keyed as well, so that they tell nothing about an entry.
    pub fn tag(&self, tag: u32) -> u16 {
        if tag == 0 {
            return 0;
        }
        (self.of(&tag.to_le_bytes()) as u16).max(1)
    }
}

/// One record that applies to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub meta: Meta,
    pub reference: u64,
}

/// A keyed hash to look for, and whether it is of the whole host or of a parent.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    hash: u128,
    whole: bool,
}

impl Probe {
    pub fn hash(self) -> u128 {
        self.hash
    }

    /// Of the whole host, not of a parent.
    pub fn is_whole(self) -> bool {
        self.whole
    }
}

/// Records that are looked for together.
const TOGETHER: usize = 64;

pub struct Index {
    map: Mmap,
    header: Header,
    hash: KeyedHash,
    code_key: [u8; 32],
}

impl Index {
    pub fn open(path: &Path, key: &[u8; 32]) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("it cannot be opened: {}", e.kind()))?;
        // SAFETY: published index files are never written to again (they are renamed into place and only ever
        // unlinked), so the mapping does not change underneath us. Where a disk or a stranger changes it all the
        // same, every look is within bounds or panics, and `is_whole` tells.
        let map = unsafe { Mmap::map(&file) }
            .map_err(|e| format!("it cannot be mapped: {}", e.kind()))?;
        let header = Header::read(&map)?;
        let keys = Keys::derive(key);
        if header.check != keys.check {
            return Err("it was made with another key".into());
        }
        if !layout::is_authentic(&map, &keys.code) {
            return Err("its content is corrupt".into());
        }
        Ok(Self {
            map,
            header,
            hash: KeyedHash::new(&keys),
            code_key: keys.code,
        })
    }

    /// Whether it still is what was opened: a page may have been read from disk anew.
    pub fn is_whole(&self) -> bool {
        layout::is_authentic(&self.map, &self.code_key)
    }

    pub fn keyed_hash(&self) -> &KeyedHash {
        &self.hash
    }

    pub fn label_counts(&self) -> u64 {
        self.header.label_counts
    }

    pub fn len(&self) -> usize {
        self.header.records as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn file_bytes(&self) -> usize {
        self.map.len()
    }

    pub fn record(&self, i: usize) -> (u128, Meta) {
        let at = self.header.records_at() + RECORD_BYTES * i;
        let meta = u32_at(&self.map, at + HASH_BYTES);
        (hash_at(&self.map, at), Meta(meta))
    }

    /// All records as they were written, ascending.
    pub fn all(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.len()).map(|i| {
            let (hash, meta) = self.record(i);
            let meta = self.told(meta);
            Record { hash, meta }
        })
    }

    /// The records of a few lists; passes over a million others in some ten milliseconds.
    pub fn of_lists<'a>(&'a self, lists: &'a [u32]) -> impl Iterator<Item = (u128, Meta)> + 'a {
        let (first, end) = (self.header.records_at(), self.header.file_bytes());
        self.map[first..end]
            .chunks_exact(RECORD_BYTES)
            .map(|record| (record, Meta(u32_at(record, HASH_BYTES))))
            .filter(|(_, meta)| lists.contains(&meta.list()))
            .map(|(record, meta)| (hash_at(record, 0), meta))
    }

    pub fn of_list(&self, list: u32) -> impl Iterator<Item = Record> + '_ {
        self.all()
            .filter(move |record| { record.meta }.list() == list)
    }

    /// What is stored for the same hash, list and kind.
    pub fn find(&self, wanted: &Record) -> Option<Meta> {
        let hash = wanted.hash;
        self.records(hash)
            .map(|Match { meta, .. }| Record { hash, meta })
            .find(|stored| stored.place(wanted).is_eq())
            .map(|stored| self.told(stored.meta))
    }

    /// Whether a list holds this entry, in whatever spelling. An error: the index holds none of its kind.
    pub fn holds(&self, list: u32, entry: &Entry<'_>) -> Result<bool, String> {
        Ok(self.find(&self.record_of(list, entry)?).is_some())
    }

    /// What an index that holds this entry has for it, but for its spelling. An error: it is none of its kind.
    pub fn record_of(&self, list: u32, entry: &Entry<'_>) -> Result<Record, String> {
        let kind = entry.record_kind()?;
        if !kind.is_entry() {
            return Err(format!("{} is not a kind the index holds", entry.kind));
        }
        Ok(self.hash.record(list, kind, entry.key.as_bytes(), 0))
    }

    /// Whether each of these is there, in whatever spelling.
    pub fn holds_each(&self, records: &[Record]) -> Vec<bool> {
        let mut held = Vec::with_capacity(records.len());
        let mut buckets = [(0, 0); TOGETHER];
        for some in records.chunks(TOGETHER) {
            // Each loop loads what does not depend on each other: the waits for memory overlap.
            let may: Vec<bool> = some.iter().map(|each| self.may_hold(each.hash)).collect();
            for (bucket, each) in buckets.iter_mut().zip(some) {
                *bucket = self.bucket(each.hash);
            }
            held.extend(
                some.iter()
                    .zip(may)
                    .zip(&buckets)
                    .map(|((each, may), bucket)| {
                        may && (bucket.0..bucket.1).any(|i| {
                            let (hash, meta) = self.record(i);
                            Record { hash, meta }.place(each).is_eq()
                        })
                    }),
            );
        }
        held
    }

    fn told(&self, meta: Meta) -> Meta {
        if self.header.counts_texts() {
            meta
        } else {
            meta.of_unknown_texts()
        }
    }

    fn may_hold(&self, hash: u128) -> bool {
        let word = filter_word(hash, self.header.filter_words);
        let mask = filter_mask(hash);
        u64_at(&self.map, self.header.filter_at() + WORD_BYTES * word) & mask == mask
    }

    /// All records with this hash.
    fn records(&self, hash: u128) -> impl Iterator<Item = Match> + '_ {
        let (first, end) = if self.may_hold(hash) {
            self.bucket(hash)
        } else {
            (0, 0)
        };
        (first..end)
            .map(move |i| self.record(i))
            .filter(move |(stored, _)| *stored == hash)
            .map(move |(_, meta)| Match {
                meta,
                reference: hash as u64,
            })
    }

    fn bucket(&self, hash: u128) -> (usize, usize) {
        let bits = self.header.bucket_bits;
        let bucket = if bits == 0 {
            0
        } else {
            (hash >> (128 - bits)) as usize
        };
        let at = self.header.buckets_at() + 4 * bucket;
        (
            u32_at(&self.map, at) as usize,
            u32_at(&self.map, at + 4) as usize,
        )
    }

    /// Visits what to look for at host level: the parents of the host from the top level down, then the
    /// host, as far as any record has that many labels.
    pub fn each_probe(&self, host: &Host<'_>, mut visit: impl FnMut(Probe)) {
        let name: &[u8] = &host.name;
        let counts = self.header.label_counts;
        let mut labels = 0;
        if !host.is_address {
            for (i, _) in name.iter().enumerate().rev().filter(|(_, &b)| b == b'.') {
                labels += 1;
                if counts & 1 << labels.min(63) != 0 {
                    visit(Probe {
                        hash: self.hash.of(&name[i + 1..]),
                        whole: false,
                    });
                }
            }
        }
        if host.is_address || counts & 1 << (labels + 1).min(63) != 0 {
            visit(Probe {
                hash: self.hash.of(name),
                whole: true,
            });
        }
    }

    /// Whether a probe may find a record; "no" is certain, and needs one word of memory.
    pub fn may_match(&self, probe: Probe) -> bool {
        self.may_hold(probe.hash)
    }

    /// Host-level records for a host and its parents, most specific first.
    pub fn match_host(&self, host: &Host<'_>, found: &mut Vec<Match>) {
        self.each_probe(host, |Probe { hash, whole }| {
            let before = found.len();
            found.extend(self.records(hash).filter(|hit| match hit.meta.kind() {
                RecordKind::Domain => true,
                RecordKind::Below => !whole,
                RecordKind::Host | RecordKind::Pages | RecordKind::Patterns => whole,
                RecordKind::Url | RecordKind::UrlAnyQuery | RecordKind::Prefix => false,
            }));
            // Each visit is more specific than the one before it.
            let more = found.len() - before;
            found.rotate_right(more);
        });
    }

    /// All entries for a URL, most specific first: the page, prefixes from the longest, hosts.
    pub fn match_url(&self, url: &Url<'_>, found: &mut Vec<Match>) {
        self.match_host(&url.host, found);
        let all = found.len();
        found.retain(|hit| hit.meta.kind() != RecordKind::Pages);
        if found.len() == all {
            return;
        }
        // Found in the order in which one pass over the path meets them, then turned around.
        let by_host = found.len();
        let path = url.path();
        let mut state = self.hash.0;
        state.write(&url.host.name);
        let mut from = 0;
        if self.header.holds(RecordKind::Prefix) {
            for (i, _) in path.iter().enumerate().filter(|(_, &b)| b == b'/') {
                state.write(&path[from..=i]);
                from = i + 1;
                self.add(state.finish128().as_u128(), RecordKind::Prefix, found);
            }
        }
        state.write(&path[from..]);
        let page = state.finish128().as_u128();
        if self.header.holds(RecordKind::UrlAnyQuery) {
            self.add(page, RecordKind::UrlAnyQuery, found);
        }
        let query = url.query.as_deref().filter(|q| !q.is_empty());
        let exact = query.map_or(page, |query| {
            state.write(b"?");
            state.write(query);
            state.finish128().as_u128()
        });
        self.add(exact, RecordKind::Url, found);
        found[by_host..].reverse();
        found.rotate_left(by_host);
    }

    /// The records of one kind, the last list's first: all that was found is turned around in the end.
    fn add(&self, hash: u128, kind: RecordKind, found: &mut Vec<Match>) {
        let from = found.len();
        found.extend(self.records(hash).filter(|hit| hit.meta.kind() == kind));
        found[from..].reverse();
    }
}
