//! An upstream's answer, kept as bytes: what it says of itself, and what of it is sent.

use super::rcode;

/// An upstream's answer, ready to be sent to anyone who asks the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u16,
    pub answers: u16,
    pub authorities: u16,
    /// Answer and authority records; compression pointers count from the start of the message.
    pub body: Box<[u8]>,
    /// (offset in `body`, seconds) of every lifetime.
    pub ttls: Box<[(u16, u32)]>,
    /// How long it may be kept; 0: not at all.
    pub lifetime_s: u32,
    /// Owners and alias targets besides the asked name, in wire form and lower case.
    pub hosts: Box<[Box<[u8]>]>,
    pub ede: Box<[u16]>,
    pub truncated: bool,
}

impl Answer {
    /// True when this says what the name has, and not that something went wrong.
    pub fn conclusive(&self) -> bool {
        matches!(self.rcode, rcode::NOERROR | rcode::NXDOMAIN)
    }

    /// Appends the records after `age_s` seconds in the cache: every lifetime is shorter by as much.
    pub fn aged_body(&self, age_s: u32, out: &mut Vec<u8>) {
        self.body_with(out, |ttl| ttl.saturating_sub(age_s));
    }

    /// Appends the records with every lifetime `ttl_s`: the answer has expired and no upstream can
    /// renew it (RFC 8767 §4).
    pub fn stale_body(&self, ttl_s: u32, out: &mut Vec<u8>) {
        self.body_with(out, |_| ttl_s);
    }

    fn body_with(&self, out: &mut Vec<u8>, ttl: impl Fn(u32) -> u32) {
        let begun = out.len();
        out.extend_from_slice(&self.body);
        for &(offset, seconds) in &self.ttls {
            let at = begun + usize::from(offset);
            if let Some(field) = out.get_mut(at..at + 4) {
                field.copy_from_slice(&ttl(seconds).to_be_bytes());
            }
        }
    }

    /// The memory that one answer takes, as it lies behind an `Arc`.
    pub fn cost_bytes(&self) -> usize {
        let counted = size_of::<Self>() + 2 * size_of::<usize>();
        allocated(counted)
            + allocated(self.body.len())
            + allocated(size_of_val(&*self.ttls))
            + allocated(size_of_val(&*self.ede))
            + allocated(size_of_val(&*self.hosts))
            + self.hosts.iter().map(|h| allocated(h.len())).sum::<usize>()
    }
}

/// What an allocation of `bytes` takes from the heap: glibc's chunks, which no common allocator exceeds
/// by much.
pub fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ => (bytes + 8).next_multiple_of(16).max(32),
    }
}
