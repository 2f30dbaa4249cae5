//! The hosts that no list can block: those of the lists that protect.

use crate::canonical::Host;
use crate::index::Index;
use crate::question::as_host;
use crate::records::RecordKind;
use std::collections::HashMap;
use std::sync::Arc;

/// Kept apart from all other records, so that asking after one takes the same way, and the same time,
/// whether a name is listed or not.
#[derive(Default)]
pub struct Protected {
    index: Option<Arc<Index>>,
    /// Keyed hashes; a bit for each kind of record.
    records: HashMap<u128, u8>,
}

impl Protected {
    /// The host-level entries of these lists. O(all records).
    pub fn new(index: &Arc<Index>, lists: &[u32]) -> Self {
        let mut records = HashMap::new();
        for (hash, meta) in index.of_lists(lists) {
            let kind = meta.kind();
            if kind.is_host_level() && kind.is_entry() {
                *records.entry(hash).or_default() |= bit(kind);
            }
        }
        Self {
            index: Some(Arc::clone(index)),
            records,
        }
    }

    /// Whether a host (in any spelling) is protected; what is no host is not.
    pub fn holds(&self, host: &[u8]) -> bool {
        as_host(host).is_ok_and(|question| self.holds_host(question.host()))
    }

    fn holds_host(&self, host: &Host<'_>) -> bool {
        let mut found = false;
        if let Some(index) = &self.index {
            index.each_probe(host, |probe| {
                let kinds = self.records.get(&probe.hash()).copied().unwrap_or(0);
                let covering = if probe.is_whole() {
                    bit(RecordKind::Domain) | bit(RecordKind::Host)
                } else {
                    bit(RecordKind::Domain) | bit(RecordKind::Below)
                };
                found |= kinds & covering != 0;
            });
        }
        found
    }
}

fn bit(kind: RecordKind) -> u8 {
    1 << kind as u8
}
