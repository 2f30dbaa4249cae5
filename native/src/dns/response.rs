//! An upstream's response, read strictly.
//!
//! Only what decides is read: owners, alias targets, lifetimes, the SOA, OPT. Records are never taken
//! apart and rebuilt: what a client gets is what the upstream sent, with the lifetimes counted down. The
//! additional section is dropped: nobody needs it, and it would be a back door for a listed host's
//! address.

mod answer;
mod lifetime;
mod names;

use super::edns::{Opt, OPTION_EDE, TYPE_OPT};
use super::query::{flags, rcode, HEADER_BYTES};
pub(super) use answer::allocated;
pub use answer::Answer;
use lifetime::{bounded, Lifetime};
use names::{Name, Names};

/// No message is larger, over any transport; offsets in it have two bytes.
const MAX_MESSAGE_BYTES: usize = 65_535;
const TYPE_CNAME: u16 = 5;
const TYPE_DNAME: u16 = 39;
const TYPE_SVCB: u16 = 64;
const TYPE_HTTPS: u16 = 65;
/// All of them are decided whenever the answer is sent; no honest chain is nearly as long.
const MAX_HOSTS: usize = 100;
/// RFC 8914 allows many, and no answer needs more; they are passed on to clients, and kept.
const MAX_EDE: usize = 8;

/// Why a packet is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is no response to the question that was asked: somebody else's, or forged.
    Mismatch(&'static str),
    /// It is a response to the question, and cannot be read.
    Malformed(&'static str),
}

/// Reads the response to `question` (QNAME in lower case, QTYPE, QCLASS) that was asked under `id`.
///
/// Names in the response compare case-insensitively with the question (RFC 4343).
pub fn read(packet: &[u8], question: &[u8], id: u16) -> Result<Answer, Unusable> {
    let header = Header::read(packet, question, id).map_err(Unusable::Mismatch)?;
    if header.flags & flags::TC != 0 {
        return Ok(Answer {
            rcode: header.flags & flags::RCODE_MASK,
            truncated: true,
            ..Answer::default()
        });
    }
    Reader::new(packet, question)
        .read(&header)
        .map_err(Unusable::Malformed)
}

struct Header {
    flags: u16,
    answers: u16,
    authorities: u16,
    additionals: u16,
}

impl Header {
    fn read(packet: &[u8], question: &[u8], id: u16) -> Result<Self, &'static str> {
        let (Some(header), Some(echoed), Some(name_bytes)) = (
            packet.first_chunk::<HEADER_BYTES>(),
            packet.get(HEADER_BYTES..HEADER_BYTES + question.len()),
            question.len().checked_sub(4),
        ) else {
            return Err("shorter than the question");
        };
        let field = |n: usize| u16::from_be_bytes([header[2 * n], header[2 * n + 1]]);
        let flags = field(1);
        if field(0) != id
            || flags & flags::QR == 0
            || flags & flags::OPCODE_MASK != 0
            || field(2) != 1
        {
            return Err("not a response to this query");
        }
        let (name, kind) = echoed.split_at(name_bytes);
        let (asked_name, asked_kind) = question.split_at(name_bytes);
        if !name.eq_ignore_ascii_case(asked_name) || kind != asked_kind {
            return Err("another question");
        }
        Ok(Self {
            flags,
            answers: field(3),
            authorities: field(4),
            additionals: field(5),
        })
    }
}

/// One record, by where it lies.
struct Record<'a> {
    owner: Name,
    rtype: u16,
    class: u16,
    ttl: u32,
    ttl_at: usize,
    rdata_at: usize,
    rdata: &'a [u8],
}

struct Reader<'a> {
    packet: &'a [u8],
    names: Names<'a>,
    body_at: usize,
    at: usize,
    asked: Name,
    qtype: u16,
    hosts: Vec<Name>,
}

impl<'a> Reader<'a> {
    fn new(packet: &'a [u8], question: &'a [u8]) -> Self {
        let (name, kind) = question.split_at(question.len() - 4);
        let (names, asked) = Names::new(packet, name, HEADER_BYTES);
        let body_at = HEADER_BYTES + question.len();
        Self {
            packet,
            names,
            body_at,
            at: body_at,
            asked,
            qtype: u16::from_be_bytes([kind[0], kind[1]]),
            hosts: Vec::new(),
        }
    }

    fn read(mut self, header: &Header) -> Result<Answer, &'static str> {
        if self.packet.len() > MAX_MESSAGE_BYTES {
            return Err("longer than any message");
        }
        let mut lifetime = Lifetime::new(self.qtype);
        let mut ttls = Vec::with_capacity(4);
        for _ in 0..header.answers {
            let record = self.record()?;
            ttls.push(self.ttl(&record));
            self.collect_hosts(&record)?;
            lifetime.answered(record.rtype, record.ttl);
        }
        for _ in 0..header.authorities {
            let record = self.record()?;
            ttls.push(self.ttl(&record));
            lifetime.authority(record.rtype, record.ttl, record.rdata);
        }
        let mut body = self.packet[self.body_at..self.at].to_vec();
        for &(offset, ttl) in &ttls {
            let at = usize::from(offset);
            body[at..at + 4].copy_from_slice(&ttl.to_be_bytes());
        }
        let opt = self.opt(header.additionals)?;
        let rcode = match opt {
            // What went wrong between us and the upstream is not the client's.
            Some(opt) if opt.extended_rcode != 0 => rcode::SERVFAIL,
            _ => header.flags & flags::RCODE_MASK,
        };
        Ok(Answer {
            rcode,
            answers: header.answers,
            authorities: header.authorities,
            body: body.into(),
            ttls: ttls.into(),
            lifetime_s: lifetime.seconds(rcode),
            hosts: self
                .hosts
                .iter()
                .map(|&host| self.names.bytes(host).into())
                .collect(),
            ede: opt.map_or_else(Box::default, extended_errors),
            truncated: false,
        })
    }

    fn record(&mut self) -> Result<Record<'a>, &'static str> {
        let (owner, at) = self.names.read(self.at)?;
        let fixed: &[u8; 10] = self
            .packet
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or("cut off inside a record")?;
        let [t0, t1, c0, c1, l0, l1, l2, l3, n0, n1] = *fixed;
        let rdata_at = at + fixed.len();
        let end = rdata_at + usize::from(u16::from_be_bytes([n0, n1]));
        let rdata = self
            .packet
            .get(rdata_at..end)
            .ok_or("a record is longer than the message")?;
        self.at = end;
        Ok(Record {
            owner,
            rtype: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            ttl_at: at + 4,
            rdata_at,
            rdata,
        })
    }

    fn ttl(&mut self, record: &Record<'_>) -> (u16, u32) {
        self.names.has_ttl(record.ttl_at);
        ((record.ttl_at - self.body_at) as u16, bounded(record.ttl))
    }

    /// Every name an answer leads to: a listed one among them blocks the asked name.
    fn collect_hosts(&mut self, record: &Record<'_>) -> Result<(), &'static str> {
        self.collect(record.owner)?;
        let target_at = match record.rtype {
            TYPE_CNAME | TYPE_DNAME => record.rdata_at,
            // SvcPriority, then TargetName; "." means the owner itself (RFC 9460 §2.5).
            TYPE_SVCB | TYPE_HTTPS => record.rdata_at + 2,
            _ => return Ok(()),
        };
        let (target, behind) = self.names.read(target_at)?;
        if behind > record.rdata_at + record.rdata.len() {
            // What comes next is not the same in what a client gets.
            return Err("a name is longer than its record");
        }
        self.collect(target)
    }

    fn collect(&mut self, name: Name) -> Result<(), &'static str> {
        let same =
            |&other: &Name| name == other || self.names.bytes(name) == self.names.bytes(other);
        if name == self.asked
            || self.hosts.contains(&name)
            || self.names.bytes(name) == b"\0"
            || same(&self.asked)
            || self.hosts.iter().any(same)
        {
            return Ok(());
        }
        if self.hosts.len() == MAX_HOSTS {
            return Err("the answer leads to too many names");
        }
        self.hosts.push(name);
        Ok(())
    }

    /// Reads the additional section, which must end where the message does.
    fn opt(&mut self, additionals: u16) -> Result<Option<Opt<'a>>, &'static str> {
        let mut found = None;
        for _ in 0..additionals {
            let record = self.record()?;
            if record.rtype == TYPE_OPT {
                let opt = Opt::read(record.class, record.ttl, record.rdata);
                found = Some(opt.ok_or("the OPT record cannot be read")?);
            }
        }
        if self.at != self.packet.len() {
            return Err("bytes behind the last record");
        }
        Ok(found)
    }
}

/// The INFO-CODEs; EXTRA-TEXT is dropped.
fn extended_errors(opt: Opt<'_>) -> Box<[u16]> {
    opt.options()
        .filter(|&(code, _)| code == OPTION_EDE)
        .filter_map(|(_, data)| Some(u16::from_be_bytes(*data.first_chunk()?)))
        .take(MAX_EDE)
        .collect()
}

#[cfg(test)]
mod tests;
