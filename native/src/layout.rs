//! The index file, version 2. All integers are little-endian.
//!
//! ```text
//! header   128 bytes   magic, version, counts, geometry, key check, authentication code
//! buckets  u32 × (2^bits + 1)   first record of each bucket; a bucket is the hash's top bits
//! filter   u64 × words          Bloom filter over all hashes, four bits of one word for each
//! records  20 bytes × records   keyed 128-bit hash, ascending; u32: see `records::Meta`
//! ```
//!
//! In version 1 no record told of how many texts of its list it was made: to questions it means the same.
//!
//! The authentication code is a keyed BLAKE3 over the whole file with the code's field zeroed: a
//! file that is torn, foreign or made with another key is refused.

use crate::records::RecordKind;

pub const MAGIC: [u8; 8] = *b"COPINDEX";
pub const VERSION: u32 = 2;
const READ_VERSIONS: std::ops::RangeInclusive<u32> = 1..=VERSION;
pub const HEADER_BYTES: usize = 128;
pub const HASH_BYTES: usize = 16;
pub const RECORD_BYTES: usize = 20;
pub const WORD_BYTES: usize = 8;
pub const CODE: std::ops::Range<usize> = 96..128;

/// The three secrets that one 32-byte index key gives.
pub struct Keys {
    pub hash: [u8; 16],
    pub code: [u8; 32],
    pub check: [u8; 16],
}

impl Keys {
    pub fn derive(key: &[u8; 32]) -> Self {
        let part = |context: &str| blake3::derive_key(context, key);
        let mut hash = [0; 16];
        hash.copy_from_slice(&part("cop-filter index v1: entry hashes")[..16]);
        let mut check = [0; 16];
        check.copy_from_slice(&part("cop-filter index v1: key check")[..16]);
        Self {
            hash,
            code: part("cop-filter index v1: authentication code"),
            check,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub version: u32,
    pub records: u64,
    pub bucket_bits: u32,
    pub filter_words: u32,
    /// Bit n: some host-level record has n labels (63: that many or more, or an address).
    pub label_counts: u64,
    pub check: [u8; 16],
    /// Bit n: there are records of kind n.
    pub kinds: u32,
}

impl Header {
    pub fn holds(&self, kind: RecordKind) -> bool {
        self.kinds & 1 << kind as u32 != 0
    }

    /// Whether its records tell of how many texts of their list they were made.
    pub fn counts_texts(&self) -> bool {
        self.version > 1
    }

    pub fn buckets_at(&self) -> usize {
        HEADER_BYTES
    }

    pub fn filter_at(&self) -> usize {
        (self.buckets_at() + 4 * ((1 << self.bucket_bits) + 1)).next_multiple_of(WORD_BYTES)
    }

    pub fn records_at(&self) -> usize {
        self.filter_at() + WORD_BYTES * self.filter_words as usize
    }

    pub fn file_bytes(&self) -> usize {
        self.records_at() + RECORD_BYTES * self.records as usize
    }

    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[16..24].copy_from_slice(&self.records.to_le_bytes());
        out[24..28].copy_from_slice(&self.bucket_bits.to_le_bytes());
        out[28..32].copy_from_slice(&self.filter_words.to_le_bytes());
        out[32..40].copy_from_slice(&self.label_counts.to_le_bytes());
        out[40..56].copy_from_slice(&self.check);
        out[56..60].copy_from_slice(&self.kinds.to_le_bytes());
        out
    }

    /// Reads and checks all but the authentication code; the error says what is wrong.
    pub fn read(file: &[u8]) -> Result<Self, &'static str> {
        if file.len() < HEADER_BYTES || file[0..8] != MAGIC {
            return Err("it is not an index file");
        }
        let version = u32_at(file, 8);
        if !READ_VERSIONS.contains(&version) {
            return Err("it is of another version");
        }
        let mut check = [0; 16];
        check.copy_from_slice(&file[40..56]);
        let header = Self {
            version,
            records: u64_at(file, 16),
            bucket_bits: u32_at(file, 24),
            filter_words: u32_at(file, 28),
            label_counts: u64_at(file, 32),
            check,
            kinds: u32_at(file, 56),
        };
        if header.bucket_bits > 32 || header.records > u64::from(u32::MAX) {
            return Err("its header is corrupt");
        }
        if header.file_bytes() != file.len() {
            return Err("it is cut short or padded");
        }
        Ok(header)
    }
}

/// Over a whole file that starts with `header`, whatever its own code field holds; the rest is to be added.
pub fn authenticator(header: &[u8; HEADER_BYTES], key: &[u8; 32]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&header[..CODE.start]);
    hasher.update(&[0; 32]);
    hasher
}

pub fn is_authentic(file: &[u8], key: &[u8; 32]) -> bool {
    let Some((header, rest)) = file.split_first_chunk() else {
        return false;
    };
    let mut stored = [0; 32];
    stored.copy_from_slice(&header[CODE]);
    let mut hasher = authenticator(header, key);
    hasher.update(rest);
    // blake3::Hash compares in constant time.
    hasher.finalize() == blake3::Hash::from(stored)
}

pub fn u32_at(file: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&file[at..at + 4]);
    u32::from_le_bytes(bytes)
}

pub fn u64_at(file: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&file[at..at + 8]);
    u64::from_le_bytes(bytes)
}

pub fn hash_at(file: &[u8], at: usize) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&file[at..at + 16]);
    u128::from_le_bytes(bytes)
}

pub fn labels_bit(name: &[u8], is_address: bool) -> u64 {
    if is_address {
        return 1 << 63;
    }
    1 << (name.iter().filter(|&&b| b == b'.').count() + 1).min(63)
}

// ---------------------------------------------------------------- filter

/// A Bloom filter blocked by machine words: one load answers "not listed" for 97 of 100 such
/// questions, and the rest go on to the buckets.
pub const FILTER_BITS_PER_RECORD: usize = 10;

pub fn filter_word(hash: u128, words: u32) -> usize {
    // The top bits choose the bucket; these are independent of them.
    ((u64::from((hash >> 32) as u32) * u64::from(words)) >> 32) as usize
}

pub fn filter_mask(hash: u128) -> u64 {
    let low = hash as u32;
    1 << (low & 63) | 1 << (low >> 6 & 63) | 1 << (low >> 12 & 63) | 1 << (low >> 18 & 63)
}
