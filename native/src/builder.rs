//! Writing: entries to an index file.

use crate::change::Proven;
use crate::entries::Entry;
use crate::index::{Index, KeyedHash};
use crate::layout::{
    self, filter_mask, filter_word, Header, Keys, CODE, FILTER_BITS_PER_RECORD, RECORD_BYTES,
    VERSION, WORD_BYTES,
};
use crate::records::Record;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Records that are written at once: enough for few system calls, and few enough to stay in the cache.
const WRITTEN_AT_ONCE: usize = 8192;

pub struct Builder {
    keys: Keys,
    hash: KeyedHash,
    records: Vec<Record>,
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
        let (hash, records) = (&self.hash, &mut self.records);
        entry.each_record(|kind, key, tag| records.push(hash.record(list, kind, key, tag)))?;
        self.label_counts |= entry.labels_bit();
        Ok(())
    }

    /// Takes over lists from another index that has the same key: new numbers by old ones.
    pub fn carry(&mut self, from: &Index, numbers: &HashMap<u32, u32>) {
        if numbers.is_empty() {
            return;
        }
        // Room that is not written to costs nothing; growing step by step would copy it all.
        self.records.reserve(from.len());
        self.records.extend(from.all().filter_map(|record| {
            let meta = record.meta;
            let to = numbers.get(&meta.list())?;
            Some(Record {
                meta: meta.with_list(*to),
                ..record
            })
        }));
        // Perhaps more than these lists need: a superset only costs a probe.
        self.label_counts |= from.label_counts();
    }

    /// Takes over one list with a change.
    pub fn amend(&mut self, change: &Proven<'_>, to_list: u32) {
        let records = &mut self.records;
        records.reserve(change.most_records());
        change.each_record(|record| {
            let meta = record.meta;
            records.push(Record {
                meta: meta.with_list(to_list),
                ..record
            });
        });
        self.label_counts |= change.label_counts();
    }

    /// Distinct entries of each list, by list number.
    pub fn settle(&mut self) -> Vec<u64> {
        // Stable, because that one finds what is in order already: most of what is carried over is.
        self.records.sort_by(Record::order);
        self.records.dedup_by(|record, kept| kept.takes(record));
        let mut counts = Vec::new();
        for record in &self.records {
            let meta = record.meta;
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
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        self.write_to(&mut out)?;
        out.sync_all()
    }

    fn write_to(&self, out: &mut File) -> std::io::Result<()> {
        let header = self.header();
        let header_bytes = header.to_bytes();
        let mut code = layout::authenticator(&header_bytes, &self.keys.code);
        out.write_all(&header_bytes)?;
        let mut put = |part: &[u8]| {
            code.update(part);
            out.write_all(part)
        };
        put(&self.buckets(&header))?;
        put(&self.filter(&header))?;
        let mut part = Vec::with_capacity(RECORD_BYTES * WRITTEN_AT_ONCE);
        for records in self.records.chunks(WRITTEN_AT_ONCE) {
            part.clear();
            for record in records {
                part.extend_from_slice(&{ record.hash }.to_le_bytes());
                part.extend_from_slice(&{ record.meta }.0.to_le_bytes());
            }
            put(&part)?;
        }
        out.write_all_at(code.finalize().as_bytes(), CODE.start as u64)
    }

    fn header(&self) -> Header {
        let n = self.records.len();
        Header {
            version: VERSION,
            records: n as u64,
            bucket_bits: (n / 8).max(1).ilog2(),
            filter_words: (n * FILTER_BITS_PER_RECORD).div_ceil(8 * WORD_BYTES).max(1) as u32,
            label_counts: self.label_counts,
            check: self.keys.check,
            kinds: self.records.iter().fold(0, |kinds, record| {
                kinds | 1 << { record.meta }.kind() as u32
            }),
        }
    }

    fn buckets(&self, header: &Header) -> Vec<u8> {
        let bits = header.bucket_bits;
        let mut out = Vec::with_capacity(header.filter_at() - header.buckets_at());
        let mut next = 0usize;
        for bucket in 0..1u128 << bits {
            out.extend_from_slice(&(next as u32).to_le_bytes());
            while next < self.records.len()
                && (bits == 0 || { self.records[next].hash } >> (128 - bits) == bucket)
            {
                next += 1;
            }
        }
        out.extend_from_slice(&(next as u32).to_le_bytes());
        out.resize(header.filter_at() - header.buckets_at(), 0);
        out
    }

    fn filter(&self, header: &Header) -> Vec<u8> {
        let mut filter = vec![0; header.records_at() - header.filter_at()];
        for record in &self.records {
            let at = WORD_BYTES * filter_word(record.hash, header.filter_words);
            let bits = filter_mask(record.hash).to_le_bytes();
            for (byte, bits) in filter[at..].iter_mut().zip(bits) {
                *byte |= bits;
            }
        }
        filter
    }
}
