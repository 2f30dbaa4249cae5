//! One record of the index: what was listed as a keyed hash, and what is known of it.

use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    Domain = 0,
    /// Subdomains only.
    Below = 1,
    Host = 2,
    Url = 3,
    /// A page with any query or none.
    UrlAnyQuery = 4,
    Prefix = 5,
    /// Not an entry: this host has entries at URL level.
    Pages = 6,
    /// Not an entry: this host has patterns.
    Patterns = 7,
}

impl RecordKind {
    pub const ALL: [Self; 8] = [
        Self::Domain,
        Self::Below,
        Self::Host,
        Self::Url,
        Self::UrlAnyQuery,
        Self::Prefix,
        Self::Pages,
        Self::Patterns,
    ];

    pub fn is_host_level(self) -> bool {
        !matches!(self, Self::Url | Self::UrlAnyQuery | Self::Prefix)
    }

    pub fn is_entry(self) -> bool {
        !matches!(self, Self::Pages | Self::Patterns)
    }
}

/// List number (12 bits), shared (1 bit), kind (3 bits), 16 bits more: of an entry the keyed spelling tag
/// (0: canonical), of a mark on a host how many texts of the list made it.
///
/// An entry is shared when several texts of its list came to it: which of them is left after a change that
/// takes one away, no record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta(pub u32);

pub const MAX_LISTS: u32 = 1 << 12;
const SHARED: u32 = 1 << 19;
/// A mark that was made by that many texts or more.
const MANY: u16 = u16::MAX;

impl Meta {
    /// The record that one text makes.
    pub fn new(list: u32, kind: RecordKind, tag: u16) -> Self {
        let more = if kind.is_entry() { tag } else { 1 };
        Self(list << 20 | (kind as u32) << 16 | u32::from(more))
    }

    pub fn list(self) -> u32 {
        self.0 >> 20
    }

    pub fn kind(self) -> RecordKind {
        RecordKind::ALL[(self.0 >> 16 & 7) as usize]
    }

    /// Marks have none.
    pub fn tag(self) -> u16 {
        if self.kind().is_entry() {
            self.0 as u16
        } else {
            0
        }
    }

    /// Whether more than one text made it, or an unknown number of them.
    pub fn is_shared(self) -> bool {
        self.0 & SHARED != 0
    }

    /// Whether it is known how many texts made this mark.
    pub fn is_counted(self) -> bool {
        (1..MANY).contains(&(self.0 as u16))
    }

    #[must_use]
    pub fn with_list(self, list: u32) -> Self {
        Self(self.0 & 0xf_ffff | list << 20)
    }

    /// What stands in the index for two of the same list, kind and hash. Of several spellings the lowest
    /// tag stays: the canonical one if it is there.
    fn and(self, other: Self) -> Self {
        let (mine, its) = (self.0 as u16, other.0 as u16);
        if self.kind().is_entry() {
            return self.with_more(mine.min(its), SHARED);
        }
        self.with_more(mine.saturating_add(its), 0)
    }

    /// What is left when some of its texts go: of an entry nothing.
    pub fn without(self, texts: usize) -> Option<Self> {
        if self.kind().is_entry() {
            return None;
        }
        let left = usize::from(self.0 as u16).saturating_sub(texts) as u16;
        (left > 0).then(|| self.with_more(left, 0))
    }

    /// As it is to be taken from a file that does not tell how many texts made it.
    #[must_use]
    pub fn of_unknown_texts(self) -> Self {
        if self.kind().is_entry() {
            Self(self.0 | SHARED)
        } else {
            self.with_more(MANY, 0)
        }
    }

    fn with_more(self, more: u16, bits: u32) -> Self {
        Self(self.0 & !u32::from(u16::MAX) | u32::from(more) | bits)
    }
}

/// Packed: a list has a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed(4))]
pub struct Record {
    pub hash: u128,
    pub meta: Meta,
}

impl Record {
    /// Ascending by hash, then list, then kind; then the canonical spelling first.
    pub fn order(&self, other: &Self) -> Ordering {
        let (mine, its) = (self.meta.0 & !SHARED, other.meta.0 & !SHARED);
        (self.hash, mine).cmp(&(other.hash, its))
    }

    /// By what makes it one record: hash, list and kind.
    pub fn place(&self, other: &Self) -> Ordering {
        let same = !(SHARED | u32::from(u16::MAX));
        (self.hash, self.meta.0 & same).cmp(&(other.hash, other.meta.0 & same))
    }

    /// Takes in another one for the same; false: it is of something else.
    pub fn takes(&mut self, other: &Self) -> bool {
        let same = self.place(other).is_eq();
        if same {
            self.meta = self.meta.and(other.meta);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: RecordKind, tag: u16) -> Record {
        Record {
            hash: 7,
            meta: Meta::new(4095, kind, tag),
        }
    }

    #[test]
    fn an_entry_that_two_texts_came_to_is_shared_and_keeps_the_lowest_tag() {
        let mut kept = record(RecordKind::Url, 9);
        assert!(!{ kept.meta }.is_shared());
        assert!(kept.takes(&record(RecordKind::Url, 3)));
        assert!(kept.takes(&record(RecordKind::Url, 5)));
        let meta = kept.meta;
        assert_eq!(
            (meta.list(), meta.kind(), meta.tag()),
            (4095, RecordKind::Url, 3)
        );
        assert!(meta.is_shared());
        assert!(!kept.takes(&record(RecordKind::UrlAnyQuery, 3)));
        assert_eq!(meta.with_list(1).with_list(4095), meta);
    }

    #[test]
    fn a_mark_counts_its_texts_and_goes_with_the_last() {
        let mut mark = record(RecordKind::Pages, 77);
        for _ in 0..2 {
            assert!(mark.takes(&record(RecordKind::Pages, 0)));
        }
        let meta = mark.meta;
        assert_eq!(meta.tag(), 0);
        assert!(meta.is_counted());
        assert_eq!(meta.without(2), Some(record(RecordKind::Pages, 0).meta));
        assert_eq!(meta.without(3), None);
    }

    #[test]
    fn a_mark_of_very_many_texts_no_longer_counts_them() {
        let mut mark = record(RecordKind::Pages, 0);
        for _ in 0..70_000 {
            mark.takes(&record(RecordKind::Pages, 0));
        }
        assert!(!{ mark.meta }.is_counted());
    }

    #[test]
    fn what_is_shared_does_not_change_the_order() {
        let mut domain = record(RecordKind::Domain, 0);
        domain.takes(&record(RecordKind::Domain, 0));
        assert!(domain.order(&record(RecordKind::Host, 0)).is_lt());
    }
}
