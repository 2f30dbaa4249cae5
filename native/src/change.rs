//! A change of one list: what goes and what comes, proven against the index that it changes.

use crate::entries::Entry;
use crate::index::Index;
use crate::records::Record;
use std::fmt;

/// Why a change is not one of the list that it was applied to. Never carries an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    RemovedIsMissing,
    RemovedIsShared,
    RemovedIsUncounted,
    AddedIsThere,
    NoKind(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RemovedIsMissing => "an entry that goes is not in the list in force",
            Self::RemovedIsShared => "of several lines that mean the same one goes",
            Self::RemovedIsUncounted => "a page goes from a host with too many pages to count",
            Self::AddedIsThere => "an entry that comes is in the list in force already",
            Self::NoKind(reason) => reason,
        })
    }
}

pub struct Change<'a> {
    base: &'a Index,
    /// The list's number in the base.
    list: u32,
    gone: Vec<Record>,
    come: Vec<Record>,
    label_counts: u64,
}

impl<'a> Change<'a> {
    pub fn of(base: &'a Index, list: u32) -> Self {
        Self {
            base,
            list,
            gone: Vec::new(),
            come: Vec::new(),
            label_counts: 0,
        }
    }

    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Refused> {
        self.label_counts |= entry.labels_bit();
        let (hash, list, come) = (self.base.keyed_hash(), self.list, &mut self.come);
        entry
            .each_record(|kind, key, tag| come.push(hash.record(list, kind, key, tag)))
            .map_err(Refused::NoKind)
    }

    pub fn remove(&mut self, entry: &Entry<'_>) -> Result<(), Refused> {
        let (base, list, gone) = (self.base, self.list, &mut self.gone);
        let mut fits = Ok(());
        entry
            .each_record(|kind, key, tag| {
                let record = base.keyed_hash().record(list, kind, key, tag);
                if let Err(reason) = may_go(base, &record) {
                    // The entry's own record comes last, and tells best.
                    fits = Err(reason);
                }
                gone.push(record);
            })
            .map_err(Refused::NoKind)?;
        fits
    }

    /// Holds that each entry that goes was there, once, and that none that comes is there besides.
    pub fn prove(mut self) -> Result<Proven<'a>, Refused> {
        self.gone.sort_unstable_by(Record::order);
        let is_entry = |record: &Record| { record.meta }.kind().is_entry();
        let twice = |pair: &[Record]| is_entry(&pair[0]) && pair[0].place(&pair[1]).is_eq();
        if self.gone.windows(2).any(twice) {
            return Err(Refused::RemovedIsMissing);
        }
        let stays = |record: &Record| {
            self.base.find(record).is_some()
                && self
                    .gone
                    .binary_search_by(|gone| gone.place(record))
                    .is_err()
        };
        if self.come.iter().any(|new| is_entry(new) && stays(new)) {
            return Err(Refused::AddedIsThere);
        }
        Ok(Proven(self))
    }
}

/// One text that made this record goes: it must be known that there was one, and what is left then.
fn may_go(base: &Index, record: &Record) -> Result<(), Refused> {
    let stored = base.find(record).ok_or(Refused::RemovedIsMissing)?;
    if !stored.kind().is_entry() {
        return if stored.is_counted() {
            Ok(())
        } else {
            Err(Refused::RemovedIsUncounted)
        };
    }
    if stored.is_shared() {
        return Err(Refused::RemovedIsShared);
    }
    if stored.tag() != { record.meta }.tag() {
        return Err(Refused::RemovedIsMissing);
    }
    Ok(())
}

pub struct Proven<'a>(Change<'a>);

impl Proven<'_> {
    pub fn label_counts(&self) -> u64 {
        self.0.base.label_counts() | self.0.label_counts
    }

    /// More than there can be after the change.
    pub fn most_records(&self) -> usize {
        self.0.base.len() + self.0.come.len()
    }

    /// Visits the list's records after the change: what stays in the order of the base, then what comes.
    pub fn each_record(&self, mut visit: impl FnMut(Record)) {
        let mut gone = self.0.gone.as_slice();
        for mut record in self.0.base.of_list(self.0.list) {
            let its = gone
                .iter()
                .take_while(|gone| gone.place(&record).is_eq())
                .count();
            gone = &gone[its..];
            if its == 0 {
                visit(record);
                continue;
            }
            let meta = record.meta;
            if let Some(left) = meta.without(its) {
                record.meta = left;
                visit(record);
            }
        }
        self.0.come.iter().copied().for_each(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Builder;
    use crate::layout::{self, Header, Keys, CODE, RECORD_BYTES};
    use std::collections::HashMap;
    use std::fs;

    const KEY: [u8; 32] = [7; 32];

    fn entry<'a>(kind: &'a str, key: &'a str) -> Entry<'a> {
        Entry {
            kind,
            key,
            tag: 0,
            only_below: false,
            any_query: false,
        }
    }

    fn written(builder: &mut Builder, spoil: impl Fn(&mut [u8])) -> Index {
        builder.settle();
        let name = format!("change-{:?}", std::thread::current().id());
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        builder.write(&path).unwrap();
        let mut file = fs::read(&path).unwrap();
        spoil(&mut file);
        fs::write(&path, &file).unwrap();
        let index = Index::open(&path, &KEY);
        fs::remove_file(path).unwrap();
        index.unwrap()
    }

    /// As the first version wrote it: marks on hosts counted nothing, and no entry told that it is shared.
    fn of_first_version(file: &mut [u8]) {
        file[8] = 1;
        let header = Header::read(file).unwrap();
        for record in file[header.records_at()..].chunks_exact_mut(RECORD_BYTES) {
            if record[18] & 7 >= 6 {
                record[16..18].fill(0);
            }
            record[18] &= 7;
        }
        let mut hasher =
            layout::authenticator(file[..128].try_into().unwrap(), &Keys::derive(&KEY).code);
        hasher.update(&file[128..]);
        let code = *hasher.finalize().as_bytes();
        file[CODE].copy_from_slice(&code);
    }

    fn refusal(base: &Index, gone: &Entry<'_>) -> Result<(), Refused> {
        Change::of(base, 0).remove(gone)
    }

    #[test]
    fn from_an_index_of_the_first_version_nothing_goes_and_it_is_carried_over_so() {
        let (name, page, new) = (
            entry("domain", "a.example"),
            entry("url", "h.example/p"),
            entry("url", "h.example/q"),
        );
        let mut builder = Builder::new(&KEY);
        builder.add(0, &name).unwrap();
        builder.add(0, &page).unwrap();
        let old = written(&mut builder, of_first_version);
        assert!(old.holds(0, &name).unwrap());
        let mut carried = Builder::new(&KEY);
        carried.carry(&old, &HashMap::from([(0, 0)]));
        let mut change = Change::of(&old, 0);
        change.add(&new).unwrap();
        let mut amended = Builder::new(&KEY);
        amended.amend(&change.prove().unwrap_or_else(|_| unreachable!()), 0);
        let (carried, amended) = (written(&mut carried, |_| ()), written(&mut amended, |_| ()));
        for base in [&old, &carried, &amended] {
            assert_eq!(refusal(base, &name), Err(Refused::RemovedIsShared));
            assert_eq!(refusal(base, &page), Err(Refused::RemovedIsShared));
        }
        assert!(amended.holds(0, &new).unwrap());
        assert_eq!(refusal(&amended, &new), Err(Refused::RemovedIsUncounted));
    }
}
