//! Damaged queries, and what is written in reply to them.

use crate::corpus;
use crate::random::Random;
use crate::walk::Walk;
use crate::written::check_written;
use crate::{campaign, packets};
use _native::dns::query::{self, flags, rcode, Query, Read, HEADER_BYTES};
use _native::dns::reply::{self, Reply, Terms};
use _native::dns::response;

const IGNORED: usize = 0;
const REJECTED: usize = 1;
const ACCEPTED: usize = 2;

#[test]
fn a_damaged_query_is_ignored_rejected_or_answered_by_the_rules() {
    let corpus = corpus::queries();
    let bodies = bodies();
    let mut out = Vec::new();
    let shares = campaign(
        0..packets(),
        &corpus,
        HEADER_BYTES,
        |packet, random| match query::read(packet) {
            Read::Ignored => {
                assert!(packet.len() < HEADER_BYTES || packet[2] & 0x80 != 0);
                IGNORED
            }
            Read::Rejected { rcode, query } => {
                check_read(packet, &query);
                let reply = Reply {
                    rcode,
                    ..Reply::default()
                };
                check_reply(&query, &reply, random, &mut out);
                check_truncated(&query, random, &mut out);
                REJECTED
            }
            Read::Query(query) => {
                check_read(packet, &query);
                check_accepted(&query);
                let (answers, authorities, body) = random.pick(&bodies);
                let codes = [0, 3, 15, 17, 22, 23, 4, 16];
                let policy = random.one_in(2);
                let reply = Reply {
                    rcode: *random.pick(&[
                        rcode::NOERROR,
                        rcode::NXDOMAIN,
                        rcode::REFUSED,
                        rcode::SERVFAIL,
                    ]),
                    answers: *answers,
                    authorities: *authorities,
                    body,
                    ede: &codes[..random.below(if policy { 4 } else { 9 })],
                    policy,
                };
                check_reply(&query, &reply, random, &mut out);
                check_truncated(&query, random, &mut out);
                ACCEPTED
            }
        },
    );
    let [ignored, rejected, accepted] = shares;
    let enough = ignored > 10 && rejected > 200 && accepted > 100;
    assert!(enough, "else this tests too little: {shares:?}");
}

fn check_read(packet: &[u8], query: &Query<'_>) {
    assert!(
        packet.len() >= HEADER_BYTES && packet[2] & 0x80 == 0,
        "a response is never answered"
    );
    assert_eq!(query.packet_bytes, packet.len());
    assert_eq!(query.id.to_be_bytes(), packet[..2]);
    assert_eq!(query.flags.to_be_bytes(), packet[2..4]);
    assert!(packet[HEADER_BYTES..].starts_with(query.question));
    if !query.question.is_empty() {
        assert!((1..=255).contains(&query.name().len()));
        assert_eq!(query.name().last(), Some(&0));
        assert_eq!(query.question.len(), query.name().len() + 4);
    }
}

fn check_accepted(query: &Query<'_>) {
    assert_eq!(query.flags & flags::OPCODE_MASK, 0);
    assert!(!query.question.is_empty());
    assert!(query.opt.is_none_or(|opt| opt.version == 0));
    assert!(query
        .cookie
        .is_none_or(|cookie| matches!(cookie.len(), 8 | 16..=40)));
    assert!(query.opt.is_some() || query.cookie.is_none() && !query.other_options);
}

fn check_reply(query: &Query<'_>, reply: &Reply<'_>, random: &mut Random, out: &mut Vec<u8>) {
    let terms = terms(query, random);
    out.clear();
    reply::write(query, reply, &terms, out);
    let written = check_written(query, reply.policy, &terms, out);
    let extended = written.opt.map_or(0, |(_, ttl, _)| (ttl >> 24) as u16);
    let whole = if written.opt.is_some() {
        reply.rcode
    } else {
        reply.rcode & 0xF
    };
    assert_eq!(extended << 4 | written.flags & 0xF, whole);
    let counts = (written.counts[1], written.counts[2]);
    if written.flags & flags::TC != 0 || counts == (0, 0) {
        assert_eq!((counts, written.body), ((0, 0), &[][..]));
        assert!(
            written.flags & flags::TC != 0 || reply.answers == 0,
            "answers do not vanish"
        );
    } else {
        assert_eq!(
            (counts, written.body),
            ((reply.answers, reply.authorities), reply.body)
        );
    }
    check_understood(query, &written, whole, out);
}

fn check_truncated(query: &Query<'_>, random: &mut Random, out: &mut Vec<u8>) {
    let terms = terms(query, random);
    out.clear();
    reply::truncated(query, &terms, out);
    let written = check_written(query, true, &terms, out);
    assert_eq!(written.counts[1..3], [0, 0]);
    assert_ne!(written.flags & flags::TC, 0);
    assert_eq!(written.flags & 0xF, rcode::NOERROR);
}

/// The reader of upstreams' responses understands what is written to clients.
fn check_understood(query: &Query<'_>, written: &Walk<'_>, rcode: u16, out: &[u8]) {
    if query.question.is_empty() || query.flags & flags::OPCODE_MASK != 0 {
        return;
    }
    let (name, kind) = query.question.split_at(query.name().len());
    let asked = [&name.to_ascii_lowercase(), kind].concat();
    let answer = response::read(out, &asked, query.id).expect("a response to the question");
    assert_eq!(answer.truncated, written.flags & flags::TC != 0);
    assert_eq!(
        answer.rcode,
        if rcode > 0xF && !answer.truncated {
            rcode::SERVFAIL
        } else {
            rcode & 0xF
        }
    );
    if !answer.truncated {
        assert_eq!([answer.answers, answer.authorities], written.counts[1..3]);
        assert_eq!(&*answer.body, written.body);
    }
}

fn terms(query: &Query<'_>, random: &mut Random) -> Terms {
    Terms {
        payload_bytes: *random.pick(&[512, 1232, 4096, 65_535]),
        stream: random.one_in(4),
        proven: query.cookie.is_some() && random.one_in(2),
        cookie: query.cookie.map(|_| [0xC0; 24]),
    }
}

/// (answers, authorities, records) that suit any question.
fn bodies() -> Vec<(u16, u16, Vec<u8>)> {
    const TO_QUESTION: &[u8] = &[0xC0, 12];
    let address = [TO_QUESTION, &[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]].concat();
    let soa = [
        TO_QUESTION,
        &[0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0],
        &[0; 20],
    ]
    .concat();
    vec![
        (0, 0, Vec::new()),
        (1, 0, address.clone()),
        (4, 0, address.repeat(4)),
        (0, 1, soa.clone()),
        (1, 1, [address.clone(), soa].concat()),
        (60, 0, address.repeat(60)),
        (4_000, 0, address.repeat(4_000)),
    ]
}
