//! The OPT record (RFC 6891 §6.1): read from queries and from upstream responses, and written.

pub const TYPE_OPT: u16 = 41;
/// RFC 7873.
pub const OPTION_COOKIE: u16 = 10;
/// Extended DNS Errors (RFC 8914).
pub const OPTION_EDE: u16 = 15;
/// What every client and server can receive, whatever it says (RFC 6891 §6.2.3).
pub const MIN_PAYLOAD_BYTES: u16 = 512;
/// Client cookie and server cookie of version 1 (RFC 9018 §4).
pub const COOKIE_BYTES: usize = 24;
const DNSSEC_OK: u32 = 0x8000;
const FIXED_BYTES: usize = 11;
const OPTION_HEADER_BYTES: usize = 4;
const EDE_BYTES: usize = OPTION_HEADER_BYTES + 2;
/// More would not fit beside the longest name in `MIN_PAYLOAD_BYTES`.
const MAX_EDE: usize = 16;

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

    /// A record of version 0 without options.
    pub fn plain(payload_bytes: u16, dnssec_ok: bool) -> Self {
        Self {
            payload_bytes,
            version: 0,
            dnssec_ok,
            extended_rcode: 0,
            options: &[],
        }
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

/// An OPT record of this server's own, in queries to upstreams and in replies to clients.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own<'a> {
    pub payload_bytes: u16,
    pub dnssec_ok: bool,
    pub extended_rcode: u8,
    /// INFO-CODEs; EXTRA-TEXT stays empty. At most 16 are written.
    pub ede: &'a [u16],
    pub cookie: Option<[u8; COOKIE_BYTES]>,
}

impl Own<'_> {
    fn written_ede(&self) -> &[u16] {
        &self.ede[..self.ede.len().min(MAX_EDE)]
    }

    fn options_bytes(&self) -> usize {
        let cookie = self
            .cookie
            .map_or(0, |_| OPTION_HEADER_BYTES + COOKIE_BYTES);
        self.written_ede().len() * EDE_BYTES + cookie
    }

    pub fn wire_bytes(&self) -> usize {
        FIXED_BYTES + self.options_bytes()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let ttl = u32::from(self.extended_rcode) << 24;
        let ttl = if self.dnssec_ok { ttl | DNSSEC_OK } else { ttl };
        out.push(0);
        out.extend_from_slice(&TYPE_OPT.to_be_bytes());
        out.extend_from_slice(&self.payload_bytes.to_be_bytes());
        out.extend_from_slice(&ttl.to_be_bytes());
        out.extend_from_slice(&(self.options_bytes() as u16).to_be_bytes());
        for code in self.written_ede() {
            write_option(OPTION_EDE, &code.to_be_bytes(), out);
        }
        if let Some(cookie) = &self.cookie {
            write_option(OPTION_COOKIE, cookie, out);
        }
    }
}

fn write_option(code: u16, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}
