//! The OPT record (RFC 6891 §6.1) as it is read from queries and from upstream responses.

pub const TYPE_OPT: u16 = 41;
/// RFC 7873.
pub const OPTION_COOKIE: u16 = 10;
/// Extended DNS Errors (RFC 8914).
pub const OPTION_EDE: u16 = 15;
const DNSSEC_OK: u32 = 0x8000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt<'a> {
    pub payload_bytes: u16,
    pub version: u8,
    pub dnssec_ok: bool,
    /// The upper eight bits of the response code; 0 in a query.
    pub extended_rcode: u8,
    options: &'a [u8],
}

impl<'a> Opt<'a> {
    /// Reads the record's CLASS, TTL and RDATA. `None`: the options do not add up.
    pub fn read(class: u16, ttl: u32, rdata: &'a [u8]) -> Option<Self> {
        let mut rest = rdata;
        while !rest.is_empty() {
            rest = split(rest)?.2;
        }
        Some(Self {
            payload_bytes: class,
            version: (ttl >> 16) as u8,
            dnssec_ok: ttl & DNSSEC_OK != 0,
            extended_rcode: (ttl >> 24) as u8,
            options: rdata,
        })
    }

    /// (code, data) of each option, in order.
    pub fn options(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.options;
        std::iter::from_fn(move || {
            let (code, data, behind) = split(rest)?;
            rest = behind;
            Some((code, data))
        })
    }
}

/// The first option: its code, its data, and what is behind it.
fn split(rdata: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (code, rest) = rdata.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (data, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((u16::from_be_bytes(*code), data, behind))
}
