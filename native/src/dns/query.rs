//! Queries (RFC 1035 §4, RFC 6891, RFC 9619): clients' read off the wire, strictly, and upstreams'
//! written onto it.

#[cfg(test)]
mod tests;

use super::edns::{self, Opt, OPTION_COOKIE, TYPE_OPT};

pub const HEADER_BYTES: usize = 12;
pub const MAX_LABEL_BYTES: usize = 63;
pub const MAX_NAME_BYTES: usize = 255;
const TYPE_AND_CLASS_BYTES: usize = 4;

/// The second word of the header.
pub mod flags {
    pub const QR: u16 = 0x8000;
    pub const OPCODE_MASK: u16 = 0x7800;
    pub const TC: u16 = 0x0200;
    pub const RD: u16 = 0x0100;
    pub const RA: u16 = 0x0080;
    pub const CD: u16 = 0x0010;
    pub const RCODE_MASK: u16 = 0x000F;
}

/// Response codes; those above 15 need an OPT record.
pub mod rcode {
    pub const NOERROR: u16 = 0;
    pub const FORMERR: u16 = 1;
    pub const SERVFAIL: u16 = 2;
    pub const NXDOMAIN: u16 = 3;
    pub const NOTIMP: u16 = 4;
    pub const REFUSED: u16 = 5;
    pub const BADVERS: u16 = 16;
}

/// One question, and what came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    pub id: u16,
    pub flags: u16,
    /// QNAME, QTYPE and QCLASS as they came; empty when they could not be read.
    pub question: &'a [u8],
    pub opt: Option<Opt<'a>>,
    /// 8 bytes of the client, then none or 8 to 32 of a server (RFC 7873 §4).
    pub cookie: Option<&'a [u8]>,
    /// There are options besides the cookie.
    pub other_options: bool,
    pub packet_bytes: usize,
}

impl<'a> Query<'a> {
    /// Wire form with the root's byte, the case as it came; empty when it could not be read.
    pub fn name(&self) -> &'a [u8] {
        self.question
            .split_last_chunk::<TYPE_AND_CLASS_BYTES>()
            .map_or(&[], |(name, _)| name)
    }

    pub fn qtype(&self) -> u16 {
        self.type_and_class().0
    }

    pub fn qclass(&self) -> u16 {
        self.type_and_class().1
    }

    pub fn dnssec_ok(&self) -> bool {
        self.opt.is_some_and(|opt| opt.dnssec_ok)
    }

    pub fn checking_disabled(&self) -> bool {
        self.flags & flags::CD != 0
    }

    fn type_and_class(&self) -> (u16, u16) {
        self.question
            .last_chunk::<TYPE_AND_CLASS_BYTES>()
            .map_or((0, 0), |&[t0, t1, c0, c1]| {
                (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([c0, c1]))
            })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// No answer is due: too short, or itself a response, which to answer would make a loop.
    Ignored,
    /// A query that deserves this error and nothing else.
    Rejected {
        rcode: u16,
        query: Query<'a>,
    },
    Query(Query<'a>),
}

/// Reads one query. Never allocates, and never panics whatever the bytes.
pub fn read(packet: &[u8]) -> Read<'_> {
    let Some((header, body)) = packet.split_first_chunk::<HEADER_BYTES>() else {
        return Read::Ignored;
    };
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let mut query = Query {
        id: word(0),
        flags: word(2),
        question: &[],
        opt: None,
        cookie: None,
        other_options: false,
        packet_bytes: packet.len(),
    };
    if query.flags & flags::QR != 0 {
        return Read::Ignored;
    }
    let (questions, answers, authorities, additionals) = (word(4), word(6), word(8), word(10));
    let wrong = if query.flags & flags::OPCODE_MASK != 0 {
        // Other opcodes give the sections another meaning, so nothing beyond the header is read.
        Some(rcode::NOTIMP)
    } else if (questions, answers, authorities) != (1, 0, 0) {
        Some(rcode::FORMERR)
    } else {
        read_sections(body, additionals, &mut query).err()
    };
    match wrong {
        Some(rcode) => Read::Rejected { rcode, query },
        None => Read::Query(query),
    }
}

fn read_sections<'a>(body: &'a [u8], additionals: u16, query: &mut Query<'a>) -> Result<(), u16> {
    let (question, rest) = split_question(body).ok_or(rcode::FORMERR)?;
    query.question = question;
    read_additional(rest, additionals, query)?;
    match query.opt {
        // Another version may give the options another meaning.
        Some(opt) if opt.version != 0 => Err(rcode::BADVERS),
        Some(opt) => read_options(&opt, query),
        None => Ok(()),
    }
}

fn split_question(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let name_bytes = uncompressed_name_bytes(body)?;
    if name_bytes > MAX_NAME_BYTES {
        return None;
    }
    body.split_at_checked(name_bytes + TYPE_AND_CLASS_BYTES)
}

/// Length of the name that `bytes` begin with. A compression pointer in a query is an attack.
fn uncompressed_name_bytes(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = usize::from(*bytes.get(at)?);
        if length > MAX_LABEL_BYTES {
            return None;
        }
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// Finds the OPT record, if any; other additional records (TSIG) are only stepped over.
fn read_additional<'a>(rest: &'a [u8], count: u16, query: &mut Query<'a>) -> Result<(), u16> {
    let mut rest = rest;
    for _ in 0..count {
        let record = split_record(rest).ok_or(rcode::FORMERR)?;
        if record.rtype == TYPE_OPT {
            if query.opt.is_some() || !record.owner_is_root {
                return Err(rcode::FORMERR);
            }
            let opt = Opt::read(record.class, record.ttl, record.rdata);
            query.opt = Some(opt.ok_or(rcode::FORMERR)?);
        }
        rest = record.behind;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(rcode::FORMERR)
    }
}

struct Record<'a> {
    owner_is_root: bool,
    rtype: u16,
    class: u16,
    ttl: u32,
    rdata: &'a [u8],
    behind: &'a [u8],
}

fn split_record(bytes: &[u8]) -> Option<Record<'_>> {
    let owner_bytes = uncompressed_name_bytes(bytes)?;
    let (fixed, rest) = bytes.get(owner_bytes..)?.split_first_chunk::<10>()?;
    let &[t0, t1, c0, c1, l0, l1, l2, l3, r0, r1] = fixed;
    let (rdata, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([r0, r1])))?;
    Some(Record {
        owner_is_root: owner_bytes == 1,
        rtype: u16::from_be_bytes([t0, t1]),
        class: u16::from_be_bytes([c0, c1]),
        ttl: u32::from_be_bytes([l0, l1, l2, l3]),
        rdata,
        behind,
    })
}

/// RFC 7873 §5.2: the first cookie counts, and one of a length that none has is a format error.
fn read_options<'a>(opt: &Opt<'a>, query: &mut Query<'a>) -> Result<(), u16> {
    for (code, data) in opt.options() {
        if code != OPTION_COOKIE || query.cookie.is_some() {
            query.other_options = true;
        } else if matches!(data.len(), 8 | 16..=40) {
            query.cookie = Some(data);
        } else {
            return Err(rcode::FORMERR);
        }
    }
    Ok(())
}

/// Appends the query to an upstream: recursion desired, an OPT record without options, so that
/// nothing of a client's travels on. `name_type_class` is in lower case.
pub fn write_upstream(
    name_type_class: &[u8],
    id: u16,
    payload_bytes: u16,
    dnssec_ok: bool,
    checking_disabled: bool,
    out: &mut Vec<u8>,
) {
    let flags = if checking_disabled {
        flags::RD | flags::CD
    } else {
        flags::RD
    };
    for word in [id, flags, 1, 0, 0, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(name_type_class);
    edns::Own {
        payload_bytes,
        dnssec_ok,
        ..edns::Own::default()
    }
    .write(out);
}
