//! Replies onto the wire: what is said about a question, in the form that its client can take.

#[cfg(test)]
mod tests;

use super::edns::{Own, COOKIE_BYTES, MIN_PAYLOAD_BYTES};
use super::query::{flags, rcode, Query, HEADER_BYTES};

const MAX_MESSAGE_BYTES: usize = 65_535;
const MAX_AMPLIFICATION: usize = 2;
const COPIED_FLAGS: u16 = flags::OPCODE_MASK | flags::RD | flags::CD;

/// What is said about a question, independent of who asked and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reply<'a> {
    pub rcode: u16,
    pub answers: u16,
    pub authorities: u16,
    /// Answer and authority records; compression pointers count from the start of the message.
    pub body: &'a [u8],
    pub ede: &'a [u16],
    /// Composed here, not by an upstream. It has at most three EDE codes: then it is never more than
    /// twice its query once it has no records.
    pub policy: bool,
}

/// How one client is answered.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What this server says it can receive, and the most that it sends by UDP.
    pub payload_bytes: u16,
    pub stream: bool,
    /// A cookie has proven the client's address.
    pub proven: bool,
    /// The answer to the client's cookie.
    pub cookie: Option<[u8; COOKIE_BYTES]>,
}

impl Terms {
    fn limit_bytes(&self, query: &Query<'_>, policy: bool) -> usize {
        if self.stream {
            return MAX_MESSAGE_BYTES;
        }
        let taken = query.opt.map_or(MIN_PAYLOAD_BYTES, |opt| {
            opt.payload_bytes.min(self.payload_bytes)
        });
        let limit_bytes = usize::from(taken.max(MIN_PAYLOAD_BYTES));
        if policy && !self.proven {
            // Nobody gains by asking for a listed name in a victim's address.
            return limit_bytes.min(MAX_AMPLIFICATION * query.packet_bytes);
        }
        limit_bytes
    }
}

/// Appends one whole message.
///
/// An OPT record goes into every response to a query that had one, and into no other (RFC 6891 §7).
/// Records that do not fit are left out, all of them, and TC is set. A policy reply without answers
/// loses its authority section instead: it is as true, and only not kept (RFC 2308 §5).
pub fn write(query: &Query<'_>, reply: &Reply<'_>, terms: &Terms, out: &mut Vec<u8>) {
    let opt = opt(query, reply, terms);
    let opt_bytes = opt.as_ref().map_or(0, Own::wire_bytes);
    let bytes = HEADER_BYTES + query.question.len() + reply.body.len() + opt_bytes;
    let mut flags = flags::QR | flags::RA | query.flags & COPIED_FLAGS;
    flags |= reply.rcode & flags::RCODE_MASK;
    let (mut answers, mut authorities, mut body) = (reply.answers, reply.authorities, reply.body);
    if bytes > terms.limit_bytes(query, reply.policy) {
        if !reply.policy || answers > 0 {
            flags |= flags::TC;
        }
        (answers, authorities, body) = (0, 0, &[]);
    }
    let questions = u16::from(!query.question.is_empty());
    let additionals = u16::from(opt.is_some());
    for word in [
        query.id,
        flags,
        questions,
        answers,
        authorities,
        additionals,
    ] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(query.question);
    out.extend_from_slice(body);
    if let Some(opt) = opt {
        opt.write(out);
    }
}

/// Appends the answer that sends a client to TCP, where its address is proven.
pub fn truncated(query: &Query<'_>, terms: &Terms, out: &mut Vec<u8>) {
    let at = out.len();
    let nothing = Reply {
        rcode: rcode::NOERROR,
        ..Reply::default()
    };
    write(query, &nothing, terms, out);
    out[at + 2] |= (flags::TC >> 8) as u8;
}

fn opt<'a>(query: &Query<'_>, reply: &Reply<'a>, terms: &Terms) -> Option<Own<'a>> {
    query.opt.map(|asked| Own {
        payload_bytes: terms.payload_bytes,
        dnssec_ok: asked.dnssec_ok,
        extended_rcode: (reply.rcode >> 4) as u8,
        ede: reply.ede,
        cookie: terms.cookie,
    })
}
