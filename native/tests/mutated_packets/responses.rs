//! Damaged responses of upstreams.

use crate::corpus::{self, Message, A, ANY, CNAME, HTTPS, ID};
use crate::{campaign, packets};
use _native::dns::query::{self, flags, Query, Read, HEADER_BYTES};
use _native::dns::reply::{self, Reply, Terms};
use _native::dns::response::{self, Answer, Unusable};
use std::ops::Range;

const MISMATCH: usize = 0;
const MALFORMED: usize = 1;
const TRUNCATED: usize = 2;
const ANSWER: usize = 3;

const MAX_TTL_S: u32 = 86_400;
const STREAM: Terms = Terms {
    payload_bytes: 1232,
    stream: true,
    proven: false,
    cookie: None,
};

#[test]
fn a_damaged_response_is_refused_or_means_the_same_when_it_is_passed_on() {
    let name = corpus::name("www.good.example");
    let qtypes = [A, HTTPS, CNAME, ANY];
    let each = packets().div_ceil(qtypes.len() as u64);
    for (begin, qtype) in (0..).step_by(each as usize).zip(qtypes) {
        check_campaign(begin..begin + each, &name, qtype);
    }
}

fn check_campaign(numbers: Range<u64>, name: &[u8], qtype: u16) {
    let asking = Message::new(flags::RD)
        .question(name, qtype, 1)
        .opt(1232, 0, &[])
        .0;
    let Read::Query(query) = query::read(&asking) else {
        panic!("a well-formed query");
    };
    let corpus = corpus::responses(name, qtype);
    let mut again = Again::default();
    let behind_question = HEADER_BYTES + query.question.len();
    let shares = campaign(
        numbers,
        &corpus,
        behind_question,
        |packet, _| match response::read(packet, query.question, ID) {
            Err(Unusable::Mismatch(_)) => MISMATCH,
            Err(Unusable::Malformed(_)) => MALFORMED,
            Ok(answer) if answer.truncated => {
                assert!(answer.body.is_empty() && answer.hosts.is_empty());
                TRUNCATED
            }
            Ok(answer) => {
                check_answer(&answer, packet, query.name());
                again.check(&answer, &query);
                ANSWER
            }
        },
    );
    let [mismatch, malformed, truncated, answer] = shares;
    let enough = mismatch > 10 && malformed > 100 && truncated > 1 && answer > 100;
    assert!(enough, "else this tests too little: {shares:?}");
}

fn check_answer(answer: &Answer, packet: &[u8], asked: &[u8]) {
    assert_eq!(packet[..2], ID.to_be_bytes());
    assert_ne!(packet[2] & 0x80, 0, "a query is no response");
    assert!(answer.body.len() < packet.len());
    assert_eq!(
        answer.ttls.len(),
        usize::from(answer.answers) + usize::from(answer.authorities)
    );
    for &(at, ttl_s) in &answer.ttls {
        assert!(usize::from(at) + 4 <= answer.body.len());
        assert!(ttl_s <= MAX_TTL_S);
    }
    assert!(answer.lifetime_s <= MAX_TTL_S);
    assert!(answer.hosts.len() <= 100 && answer.ede.len() <= 8);
    for host in &answer.hosts {
        assert!((2..=255).contains(&host.len()) && is_name(host) && **host != *asked);
    }
    assert!(answer.cost_bytes() >= size_of::<Answer>() + answer.body.len());
}

/// Whole labels up to the root, in lower case.
fn is_name(mut name: &[u8]) -> bool {
    while let [length @ 1..=63, rest @ ..] = name {
        let Some((label, behind)) = rest.split_at_checked(usize::from(*length)) else {
            return false;
        };
        if label.iter().any(u8::is_ascii_uppercase) {
            return false;
        }
        name = behind;
    }
    name == b"\0"
}

/// What a client gets later: it must read there what was judged.
#[derive(Default)]
struct Again {
    body: Vec<u8>,
    message: Vec<u8>,
}

impl Again {
    fn check(&mut self, answer: &Answer, query: &Query<'_>) {
        for age_s in [0, 7, 86_400] {
            self.body.clear();
            answer.aged_body(age_s, &mut self.body);
            self.check_body(answer, query, |ttl_s| ttl_s.saturating_sub(age_s));
        }
        self.body.clear();
        answer.stale_body(30, &mut self.body);
        self.check_body(answer, query, |_| 30);
    }

    fn check_body(&mut self, answer: &Answer, query: &Query<'_>, ttl_s: impl Fn(u32) -> u32) {
        assert_eq!(self.body.len(), answer.body.len());
        let reply = Reply {
            rcode: answer.rcode,
            answers: answer.answers,
            authorities: answer.authorities,
            body: &self.body,
            ede: &answer.ede,
            policy: false,
        };
        self.message.clear();
        reply::write(query, &reply, &STREAM, &mut self.message);
        let read =
            response::read(&self.message, query.question, query.id).expect("what was just written");
        if read.truncated {
            return; // with its OPT record it is longer than any message
        }
        assert_eq!(
            (read.rcode, read.answers, read.authorities),
            (answer.rcode, answer.answers, answer.authorities)
        );
        assert_eq!(read.hosts, answer.hosts, "other names than were judged");
        assert_eq!(read.ede, answer.ede);
        let expected: Vec<_> = answer
            .ttls
            .iter()
            .map(|&(at, ttl)| (at, ttl_s(ttl)))
            .collect();
        assert_eq!(*read.ttls, *expected);
    }
}
