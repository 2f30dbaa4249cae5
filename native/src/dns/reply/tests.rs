use super::*;
use crate::dns::query::{self, Read};

const ADDRESS: [u8; 16] = *b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x50";
const TERMS: Terms = Terms {
    payload_bytes: 1232,
    stream: false,
    proven: false,
    cookie: None,
};

/// A query for a name of `labels` labels of `length` bytes, with an OPT record of these options.
fn packet(labels: usize, length: u8, opt: Option<&[u8]>) -> Vec<u8> {
    let mut packet = vec![
        0x12,
        0x67,
        1,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        u8::from(opt.is_some()),
    ];
    for _ in 0..labels {
        packet.push(length);
        packet.resize(packet.len() + usize::from(length), b'a');
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    if let Some(options) = opt {
        packet.extend_from_slice(&[0, 0, 41, 16, 0, 0, 0, 0, 0, 0, options.len() as u8]);
        packet.extend_from_slice(options);
    }
    packet
}

fn written(packet: &[u8], reply: &Reply<'_>, terms: &Terms) -> Vec<u8> {
    let (Read::Query(query) | Read::Rejected { query, .. }) = query::read(packet) else {
        panic!("ignored");
    };
    let mut out = b"kept".to_vec();
    write(&query, reply, terms, &mut out);
    assert_eq!(out[..4], *b"kept");
    out.split_off(4)
}

fn counts(message: &[u8]) -> [u8; 4] {
    [message[5], message[7], message[9], message[11]]
}

fn has_tc(message: &[u8]) -> bool {
    message[2] & 2 != 0
}

#[test]
fn a_reply_echoes_the_question_and_holds_the_records() {
    let reply = Reply {
        answers: 1,
        body: &ADDRESS,
        ..Reply::default()
    };
    let packet = packet(2, 7, None);
    let message = written(&packet, &reply, &TERMS);
    assert_eq!(
        message[..12],
        [0x12, 0x67, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    );
    assert_eq!(message[12..], [&packet[12..], &ADDRESS].concat());
}

#[test]
fn opt_carries_the_errors_the_cookie_and_the_upper_response_code() {
    let reply = Reply {
        rcode: query::rcode::BADVERS,
        ede: &[15, 4],
        ..Reply::default()
    };
    let terms = Terms {
        cookie: Some([7; COOKIE_BYTES]),
        ..TERMS
    };
    let packet = packet(1, 3, Some(b"\0\x0a\0\x08abcdefgh"));
    let message = written(&packet, &reply, &terms);
    let opt = &message[12 + 9..];
    assert_eq!(message[3] & 0xF, 0);
    assert_eq!(opt[..11], [0, 0, 41, 4, 0xD0, 1, 0, 0, 0, 0, 40]);
    assert_eq!(opt[11..23], *b"\0\x0f\0\x02\0\x0f\0\x0f\0\x02\0\x04");
    assert_eq!(opt[23..27], [0, 10, 0, 24]);
    assert_eq!(opt[27..], [7; 24]);
    let message = written(&packet_without_opt(), &reply, &terms);
    assert_eq!(counts(&message), [1, 0, 0, 0]);
}

fn packet_without_opt() -> Vec<u8> {
    packet(1, 3, None)
}

#[test]
fn what_the_client_cannot_take_is_truncated() {
    let body = ADDRESS.repeat(60);
    let reply = Reply {
        answers: 60,
        body: &body,
        ..Reply::default()
    };
    let stream = Terms {
        stream: true,
        ..TERMS
    };
    for (packet, terms, fits) in [
        (packet(2, 7, None), TERMS, false),
        (packet(2, 7, Some(&[])), TERMS, true),
        (packet(2, 7, None), stream, true),
    ] {
        let message = written(&packet, &reply, &terms);
        assert_eq!(has_tc(&message), !fits);
        assert_eq!(counts(&message)[1], if fits { 60 } else { 0 });
    }
}

#[test]
fn a_policy_reply_to_an_unproven_client_is_at_most_twice_its_query() {
    let soa = [0; 34];
    let many = ADDRESS.repeat(9);
    for (answers, authorities, body) in [(1, 0, &ADDRESS[..]), (9, 0, &many), (0, 1, &soa)] {
        for length in 1..=63 {
            for options in [None, Some(&b""[..]), Some(b"\0\x0a\0\x08abcdefgh")] {
                let packet = packet(3, length, options);
                let reply = Reply {
                    rcode: 0,
                    answers,
                    authorities,
                    body,
                    ede: &[15, 4, 22],
                    policy: true,
                };
                let unproven = Terms {
                    cookie: options.filter(|o| !o.is_empty()).map(|_| [0; COOKIE_BYTES]),
                    ..TERMS
                };
                let message = written(&packet, &reply, &unproven);
                assert!(message.len() <= 2 * packet.len());
                assert_eq!(has_tc(&message), answers > 0 && counts(&message)[1] == 0);
                let proven = Terms {
                    proven: true,
                    ..unproven
                };
                let message = written(&packet, &reply, &proven);
                assert_eq!(counts(&message)[1..3], [answers as u8, authorities as u8]);
            }
        }
    }
}

#[test]
fn one_address_with_its_errors_fits_twice_the_query_for_any_name() {
    for length in 1..=63 {
        let reply = Reply {
            answers: 1,
            body: &ADDRESS,
            ede: &[15, 4],
            policy: true,
            ..Reply::default()
        };
        for options in [None, Some(&b""[..])] {
            let message = written(&packet(1, length, options), &reply, &TERMS);
            assert_eq!((has_tc(&message), counts(&message)[1]), (false, 1));
        }
    }
}

#[test]
fn a_limited_client_is_told_to_come_by_tcp() {
    let packet = packet(2, 7, Some(&[]));
    let Read::Query(query) = query::read(&packet) else {
        panic!("rejected");
    };
    let mut out = vec![1, 2, 3];
    truncated(&query, &TERMS, &mut out);
    assert_eq!(out[3..7], [0x12, 0x67, 0x83, 0x80]);
    assert_eq!(counts(&out[3..]), [1, 0, 0, 1]);
    assert_eq!(out.len() - 3, packet.len());
}

#[test]
fn no_number_of_errors_makes_a_reply_without_records_too_long() {
    let codes = vec![22; 20_000];
    let reply = Reply {
        ede: &codes,
        ..Reply::default()
    };
    let message = written(&packet(3, 63, Some(&[])), &reply, &TERMS);
    assert!(message.len() <= 512);
}
