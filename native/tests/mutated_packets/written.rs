//! The rules for every message that goes out to a client.

use crate::walk::{walk, Walk};
use _native::dns::query::{self, flags, Query, Read};
use _native::dns::reply::Terms;

/// `policy`: composed here, so that nobody may be flooded with it.
pub fn check_written<'a>(
    query: &Query<'_>,
    policy: bool,
    terms: &Terms,
    out: &'a [u8],
) -> Walk<'a> {
    let written = walk(out).expect("a message that is what its header counts");
    assert!(out.len() <= most_bytes(query, policy, terms));
    assert_eq!(written.id, query.id);
    let copied = flags::OPCODE_MASK | flags::RD | flags::CD;
    assert_eq!(written.flags & copied, query.flags & copied);
    assert_eq!(
        written.flags & !copied & !flags::TC & !0xF,
        flags::QR | flags::RA
    );
    assert_eq!(written.question, query.question);
    assert_eq!(written.opt.is_some(), query.opt.is_some());
    assert_eq!(written.counts[3], u16::from(query.opt.is_some()));
    if let Some((payload_bytes, ttl, _)) = written.opt {
        assert_eq!(payload_bytes, terms.payload_bytes);
        assert_eq!(ttl & 0x00FF_7FFF, 0, "version 0, and no flag but DO");
        assert_eq!(ttl & 0x8000 != 0, query.dnssec_ok());
    }
    assert!(
        matches!(query::read(out), Read::Ignored),
        "two servers would go on for ever"
    );
    written
}

fn most_bytes(query: &Query<'_>, policy: bool, terms: &Terms) -> usize {
    if terms.stream {
        return 65_535;
    }
    let taken = query.opt.map_or(512, |opt| {
        opt.payload_bytes.min(terms.payload_bytes).max(512)
    });
    if policy && !terms.proven {
        return usize::from(taken).min(2 * query.packet_bytes);
    }
    usize::from(taken)
}
