//! What one entry of a list puts into the index.

use crate::layout::labels_bit;
use crate::records::RecordKind;

/// An entry in canonical form, as `cop_filter/entries.py` has it.
pub struct Entry<'a> {
    pub kind: &'a str,
    pub key: &'a str,
    pub tag: u32,
    pub only_below: bool,
    pub any_query: bool,
}

impl Entry<'_> {
    /// Visits its records: (kind, key to hash, spelling tag). At URL level marks on the host come first; a
    /// pattern is nothing but marks.
    pub fn each_record(&self, mut visit: impl FnMut(RecordKind, &[u8], u32)) -> Result<(), String> {
        let kind = self.record_kind()?;
        if let Some(host) = self.marked_host(kind) {
            visit(RecordKind::Pages, host, 0);
            if kind == RecordKind::Patterns {
                visit(kind, host, 0);
                return Ok(());
            }
        }
        visit(kind, self.key.as_bytes(), self.tag);
        Ok(())
    }

    /// See `Header::label_counts`.
    pub fn labels_bit(&self) -> u64 {
        let host = self.host();
        labels_bit(host, is_address(host))
    }

    pub fn record_kind(&self) -> Result<RecordKind, String> {
        Ok(match self.kind {
            "domain" if self.only_below => RecordKind::Below,
            "domain" => RecordKind::Domain,
            "host" => RecordKind::Host,
            "url" if self.any_query => RecordKind::UrlAnyQuery,
            "url" => RecordKind::Url,
            "prefix" => RecordKind::Prefix,
            "pattern" => RecordKind::Patterns,
            other => return Err(format!("{other} is not a kind the index holds")),
        })
    }

    fn marked_host(&self, kind: RecordKind) -> Option<&[u8]> {
        (!kind.is_host_level() || kind == RecordKind::Patterns).then(|| self.host())
    }

    fn host(&self) -> &[u8] {
        let key = self.key.as_bytes();
        key.split(|&b| b == b'/').next().unwrap_or(key)
    }
}

/// Whether a canonical host key is an address: bracketed, or four decimal parts.
fn is_address(key: &[u8]) -> bool {
    key.starts_with(b"[")
        || (key.split(|&b| b == b'.').count() == 4
            && key.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
}
