//! Writing: entries to an index file.

use crate::index::{Index, KeyedHash};
use crate::layout::{
    self, filter_mask, filter_word, labels_bit, Header, Keys, Meta, RecordKind,
    FILTER_BITS_PER_RECORD, HEADER_BYTES, WORD_BYTES,
};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What the builder reads from an entry's key.
pub struct Entry<'a> {
    pub kind: &'a str,
    pub key: &'a str,
    pub tag: u32,
    pub only_below: bool,
    pub any_query: bool,
}

pub struct Builder {
    keys: Keys,
    hash: KeyedHash,
    records: Vec<(u128, Meta)>,
    label_counts: u64,
}

impl Builder {
    pub fn new(key: &[u8; 32]) -> Self {
        let keys = Keys::derive(key);
        Self {
            hash: KeyedHash::new(&keys),
            keys,
            records: Vec::new(),
            label_counts: 0,
        }
    }

    pub fn add(&mut self, list: u32, entry: &Entry<'_>) -> Result<(), String> {
        let key = entry.key.as_bytes();
        let kind = match entry.kind {
            "domain" if entry.only_below => RecordKind::Below,
            "domain" => RecordKind::Domain,
            "host" => RecordKind::Host,
            "url" if entry.any_query => RecordKind::UrlAnyQuery,
            "url" => RecordKind::Url,
            "prefix" => RecordKind::Prefix,
            "pattern" => RecordKind::Patterns,
            other => return Err(format!("{other} is not a kind the index holds")),
        };
        if kind.is_host_level() && kind != RecordKind::Patterns {
            self.push(list, kind, key, entry.tag);
            self.label_counts |= labels_bit(key, is_address(key));
            return Ok(());
        }
        let host = key.split(|&b| b == b'/').next().unwrap_or(key);
        self.label_counts |= labels_bit(host, is_address(host));
        self.push(list, RecordKind::Pages, host, 0);
        if kind == RecordKind::Patterns {
            self.push(list, kind, host, 0);
        } else {
            self.push(list, kind, key, entry.tag);
        }
        Ok(())
    }

    fn push(&mut self, list: u32, kind: RecordKind, key: &[u8], tag: u32) {
        let meta = Meta::new(list, kind, self.hash.tag(tag));
        self.records.push((self.hash.of(key), meta));
    }

    /// Takes over one list's records from another index that has the same key.
    pub fn carry(&mut self, from: &Index, from_list: u32, to_list: u32) {
        for i in 0..from.len() {
            let (hash, meta) = from.record(i);
            if meta.list() == from_list {
                self.records
                    .push((hash, Meta::new(to_list, meta.kind(), meta.tag())));
            }
        }
        // Perhaps more than this list needs: a superset only costs a probe.
        self.label_counts |= from.label_counts();
    }

    /// Distinct entries of each list, by list number.
    pub fn settle(&mut self) -> Vec<u64> {
        self.records.sort_unstable();
        // Of one entry in several spellings the lowest tag stays: the canonical one if it is there.
        self.records
            .dedup_by_key(|(hash, meta)| (*hash, meta.list(), meta.kind() as u8));
        let mut counts = Vec::new();
        for (_, meta) in &self.records {
            let list = meta.list() as usize;
            if counts.len() <= list {
                counts.resize(list + 1, 0);
            }
            counts[list] += u64::from(meta.kind().is_entry());
        }
        counts
    }

    /// Writes the settled records to a new file (mode 0600) and syncs it to disk.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let file = self.to_bytes();
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        out.write_all(&file)?;
        out.sync_all()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let n = self.records.len();
        let header = Header {
            records: n as u64,
            bucket_bits: (n / 8).max(1).ilog2(),
            filter_words: (n * FILTER_BITS_PER_RECORD).div_ceil(8 * WORD_BYTES).max(1) as u32,
            label_counts: self.label_counts,
            check: self.keys.check,
            kinds: self
                .records
                .iter()
                .fold(0, |kinds, (_, meta)| kinds | 1 << meta.kind() as u32),
        };
        let mut file = Vec::with_capacity(header.file_bytes());
        file.extend_from_slice(&header.to_bytes());
        debug_assert_eq!(file.len(), HEADER_BYTES);
        self.put_buckets(&header, &mut file);
        file.resize(header.filter_at(), 0);
        self.put_filter(&header, &mut file);
        for (hash, meta) in &self.records {
            file.extend_from_slice(&hash.to_le_bytes());
            file.extend_from_slice(&meta.0.to_le_bytes());
        }
        layout::seal(&mut file, &self.keys.code);
        file
    }

    fn put_buckets(&self, header: &Header, file: &mut Vec<u8>) {
        let bits = header.bucket_bits;
        let mut next = 0usize;
        for bucket in 0..1u128 << bits {
            file.extend_from_slice(&(next as u32).to_le_bytes());
            while next < self.records.len()
                && (bits == 0 || self.records[next].0 >> (128 - bits) == bucket)
            {
                next += 1;
            }
        }
        file.extend_from_slice(&(next as u32).to_le_bytes());
    }

    fn put_filter(&self, header: &Header, file: &mut Vec<u8>) {
        let start = file.len();
        file.resize(header.records_at(), 0);
        let filter = &mut file[start..];
        for (hash, _) in &self.records {
            let at = WORD_BYTES * filter_word(*hash, header.filter_words);
            let bits = filter_mask(*hash).to_le_bytes();
            for (byte, bits) in filter[at..].iter_mut().zip(bits) {
                *byte |= bits;
            }
        }
    }
}

/// Whether a canonical host key is an address: bracketed, or four decimal parts.
fn is_address(key: &[u8]) -> bool {
    key.starts_with(b"[")
        || (key.split(|&b| b == b'.').count() == 4
            && key.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
}
