//! How long an answer may be kept (RFC 2181 §8, RFC 2308 §5, RFC 9520 §3.2).

use super::rcode;

const TYPE_SOA: u16 = 6;
const TYPE_ANY: u16 = 255;
/// Keeps somebody's mistake short.
pub const MAX_TTL_S: u32 = 86_400;
/// RFC 2308 §5: values of one to three hours work well.
pub const MAX_NEGATIVE_TTL_S: u32 = 10_800;
/// RFC 9520 §3.2: a resolution failure is remembered for at least one second.
const SERVFAIL_TTL_S: u32 = 1;

/// RFC 2181 §8: a lifetime with the top bit set is zero.
pub fn bounded(ttl: u32) -> u32 {
    if ttl & 0x8000_0000 == 0 {
        ttl.min(MAX_TTL_S)
    } else {
        0
    }
}

/// What the records of an answer say together.
pub struct Lifetime {
    qtype: u16,
    shortest: Option<u32>,
    answered: bool,
    /// The MINIMUM field of the first SOA record.
    minimum: Option<u32>,
}

impl Lifetime {
    pub fn new(qtype: u16) -> Self {
        Self {
            qtype,
            shortest: None,
            answered: false,
            minimum: None,
        }
    }

    pub fn answered(&mut self, rtype: u16, ttl: u32) {
        self.shorten(ttl);
        self.answered |= self.qtype == rtype || self.qtype == TYPE_ANY;
    }

    pub fn authority(&mut self, rtype: u16, ttl: u32, rdata: &[u8]) {
        self.shorten(ttl);
        if let (TYPE_SOA, None, Some(minimum)) = (rtype, self.minimum, rdata.last_chunk()) {
            self.minimum = Some(u32::from_be_bytes(*minimum));
        }
    }

    fn shorten(&mut self, ttl: u32) {
        let ttl = bounded(ttl);
        self.shortest = Some(self.shortest.map_or(ttl, |shortest| shortest.min(ttl)));
    }

    /// Seconds; 0: not to be kept.
    pub fn seconds(&self, rcode: u16) -> u32 {
        let shortest = self.shortest.unwrap_or(0);
        match (rcode, self.minimum) {
            (rcode::SERVFAIL, _) => SERVFAIL_TTL_S,
            (rcode::NOERROR, _) if self.answered => shortest,
            (rcode::NOERROR | rcode::NXDOMAIN, Some(minimum)) => {
                shortest.min(bounded(minimum)).min(MAX_NEGATIVE_TTL_S)
            }
            // RFC 2308 §5: a negative answer without SOA is not kept.
            _ => 0,
        }
    }
}
