use super::lifetime::{MAX_NEGATIVE_TTL_S, MAX_TTL_S};
use super::*;

const QUESTION: &[u8] = b"\x03www\x04good\x07example\x00\x00\x01\x00\x01";
const ASKED: &[u8] = b"\xc0\x0c";
const SOA: u16 = 6;

fn record(owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(rtype.to_be_bytes());
    record.extend([0, 1]);
    record.extend(ttl.to_be_bytes());
    record.extend((rdata.len() as u16).to_be_bytes());
    record.extend(rdata);
    record
}

fn address(ttl: u32) -> Vec<u8> {
    record(ASKED, 1, ttl, &[192, 0, 2, 1])
}

fn message(rcode: u8, counts: [u16; 3], records: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = vec![0, 7, 0x81, 0x80 | rcode, 0, 1];
    packet.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    packet.extend(QUESTION);
    packet.extend(records.concat());
    packet
}

fn answered(records: &[Vec<u8>]) -> Vec<u8> {
    message(0, [records.len() as u16, 0, 0], records)
}

fn hosts(records: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let answer = read(&answered(records), QUESTION, 7).unwrap();
    answer.hosts.iter().map(|host| host.to_vec()).collect()
}

fn malformed(packet: &[u8]) -> bool {
    matches!(read(packet, QUESTION, 7), Err(Unusable::Malformed(_)))
}

#[test]
fn an_answer_keeps_its_records_and_counts_down_their_lifetimes() {
    let packet = answered(&[address(300)]);
    let answer = read(&packet, QUESTION, 7).unwrap();
    assert_eq!(
        (answer.rcode, answer.answers, answer.lifetime_s),
        (0, 1, 300)
    );
    assert_eq!(&*answer.ttls, [(6, 300)]);
    assert!(answer.hosts.is_empty() && answer.conclusive());
    let mut out = b"before".to_vec();
    answer.aged_body(100, &mut out);
    assert_eq!(out, [b"before".to_vec(), address(200)].concat());
    out.clear();
    answer.aged_body(1000, &mut out);
    assert_eq!(out, address(0));
    out.clear();
    answer.stale_body(30, &mut out);
    assert_eq!(out, address(30));
}

#[test]
fn only_the_response_to_the_question_matches() {
    let packet = answered(&[address(300)]);
    let mismatch =
        |packet: &[u8], id| matches!(read(packet, QUESTION, id), Err(Unusable::Mismatch(_)));
    assert!(mismatch(&packet, 8));
    for (at, changed) in [(2, 0x01), (2, 0x89), (5, 2), (13, b'x'), (30, 2), (32, 3)] {
        let mut forged = packet.clone();
        forged[at] = changed;
        assert!(mismatch(&forged, 7), "byte {at}");
    }
    for end in 0..HEADER_BYTES + QUESTION.len() {
        assert!(mismatch(&packet[..end], 7));
    }
    let mut spelled = packet.clone();
    spelled[13] = b'W';
    assert!(read(&spelled, QUESTION, 7).is_ok());
    assert!(matches!(read(&packet, b"", 7), Err(Unusable::Mismatch(_))));
}

#[test]
fn truncation_is_reported_whatever_the_rest_looks_like() {
    let mut packet = answered(&[address(300)]);
    packet[2] |= 0x02;
    assert!(read(&packet[..40], QUESTION, 7).unwrap().truncated);
}

#[test]
fn every_name_an_answer_leads_to_is_found_once() {
    let alias = b"\x01A\x03bad\xc0\x15"; // below example, as it came
    assert_eq!(
        hosts(&[
            record(ASKED, 5, 60, alias),
            record(b"\xc0\x2e", 39, 60, b"\x04tree\x00"),
            record(b"\xc0\x30", 1, 60, &[192, 0, 2, 1]),
            record(b"\x03WWW\xc0\x10", 1, 60, &[192, 0, 2, 1]),
            record(b"\x00", 64, 60, b"\0\x01\x03svc\x00"),
            record(ASKED, 65, 60, b"\0\x01\x00"),
        ]),
        [
            b"\x01a\x03bad\x07example\x00".to_vec(),
            b"\x04tree\x00".to_vec(),
            b"\x03bad\x07example\x00".to_vec(),
            b"\x03svc\x00".to_vec(),
        ]
    );
}

#[test]
fn hostile_names_and_records_are_malformed() {
    let long = [
        &[b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(4)[..],
        b"\0",
    ]
    .concat();
    for owner in [
        b"\xc0\x22".as_slice(), // a pointer to itself
        b"\xff\xff",            // beyond the message
        b"\xc0\x00",            // into the header
        b"\x40abc\x00",         // a label type nobody defined
        b"\x80",
        &long,
    ] {
        assert!(malformed(&answered(&[record(owner, 1, 60, &[0; 4])])));
    }
    for (rtype, rdata) in [
        (5, b"\xc0\xff".as_slice()),
        (5, b"\x3fabc"),
        (65, b"\0"),
        (39, b""),
    ] {
        assert!(malformed(&answered(&[record(ASKED, rtype, 60, rdata)])));
    }
    assert!(malformed(&answered(&[address(1), vec![0]])));
    let whole = answered(&[address(300)]);
    for end in HEADER_BYTES + QUESTION.len()..whole.len() {
        assert!(malformed(&whole[..end]));
    }
    assert!(malformed(&[whole.clone(), vec![0]].concat()));
    let mut huge = whole;
    huge.resize(70_000, 0);
    assert!(malformed(&huge));
}

#[test]
fn a_name_that_a_client_would_read_as_another_is_malformed() {
    let behind = record(b"\0", 1, 60, &[192, 0, 2, 1]);
    let past_its_record = [record(ASKED, 5, 60, b"\x03bad"), behind];
    assert!(malformed(&answered(&past_its_record)));
    // The lifetime at offset 40 is the name "a", until it is counted down.
    let alias = record(ASKED, 1, 0x0161_0000, &[192, 0, 2, 1]);
    let in_a_lifetime = [alias, record(b"\xc0\x28", 1, 60, &[192, 0, 2, 1])];
    assert!(malformed(&answered(&in_a_lifetime)));
    // From inside the question, over the pointer itself, and over the lifetime behind it.
    let over_itself = [record(b"\xc0\x1f", 1, 60, &[0; 22])];
    assert!(malformed(&answered(&over_itself)));
}

#[test]
fn a_name_may_have_255_bytes_and_no_more_through_pointers_too() {
    let labels = [
        &[b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(3)[..],
        b"\x2c",
        &[b'b'; 44],
    ]
    .concat();
    let fits = [&labels[..], ASKED].concat();
    assert_eq!(hosts(&[record(&fits, 1, 60, &[0; 4])])[0].len(), 255);
    let longer = [b"\x01c".as_slice(), &fits].concat();
    assert!(malformed(&answered(&[record(&longer, 1, 60, &[0; 4])])));
}

#[test]
fn a_long_chain_of_pointers_costs_no_more_than_its_records() {
    let first_at = HEADER_BYTES + QUESTION.len();
    let records: Vec<_> = (0..4000)
        .map(
            |n: usize| match n.checked_sub(1).map(|n| first_at + 16 * n) {
                Some(at) if at < 0x4000 => {
                    record(&(0xC000 | at as u16).to_be_bytes(), 1, 60, &[0; 4])
                }
                _ => address(60),
            },
        )
        .collect();
    let answer = read(&answered(&records), QUESTION, 7).unwrap();
    assert_eq!((answer.answers, answer.hosts.len()), (4000, 0));
}

#[test]
fn one_hundred_hosts_are_read_and_no_more() {
    let aliases = |count: u8| -> Vec<_> {
        (0..count)
            .map(|n| record(ASKED, 5, 60, &[2, b'a' + n / 16, b'a' + n % 16, 0]))
            .collect()
    };
    assert_eq!(hosts(&aliases(100)).len(), 100);
    assert!(malformed(&answered(&aliases(101))));
}

#[test]
fn extended_errors_and_codes_come_from_opt() {
    let ede = |count: usize| b"\0\x0f\0\x05\0\x06why\0\x0a\0\x01c\0\x0f\0\x01x".repeat(count);
    let opt = |ttl, rdata: &[u8]| message(2, [0, 0, 1], &[record(b"\0", 41, ttl, rdata)]);
    let answer = read(&opt(0, &ede(1)), QUESTION, 7).unwrap();
    assert_eq!((answer.rcode, &*answer.ede), (2, [6].as_slice()));
    assert_eq!(read(&opt(0, &ede(9)), QUESTION, 7).unwrap().ede.len(), 8);
    let bad = message(0, [0, 0, 1], &[record(b"\0", 41, 1 << 24, &[])]);
    assert_eq!(read(&bad, QUESTION, 7).unwrap().rcode, 2);
    assert!(malformed(&opt(0, b"\0\x0f\0\x05\0")));
}

#[test]
fn the_additional_section_is_dropped() {
    let glue = record(b"\x04mail\xc0\x10", 1, 60, &[192, 0, 2, 66]);
    let answer = read(&message(0, [1, 0, 1], &[address(60), glue]), QUESTION, 7).unwrap();
    assert_eq!(*answer.body, *address(60));
    assert!(answer.hosts.is_empty());
}

#[test]
fn lifetimes_follow_rfc_2308() {
    let soa = |ttl, minimum: u32| {
        record(
            ASKED,
            SOA,
            ttl,
            &[&[0; 18][..], &minimum.to_be_bytes()].concat(),
        )
    };
    let alias = || record(ASKED, 5, 60, b"\x05other\0");
    for (rcode, answers, authority, lifetime_s) in [
        (0, vec![address(300)], vec![], 300),
        (0, vec![address(300)], vec![soa(10, 60)], 10),
        (0, vec![address(1 << 31)], vec![], 0),
        (0, vec![address((1 << 31) - 1)], vec![], MAX_TTL_S),
        (0, vec![], vec![soa(600, 60)], 60),
        (0, vec![], vec![soa(90_000, 90_000)], MAX_NEGATIVE_TTL_S),
        (0, vec![], vec![soa(600, 60), soa(600, 5)], 60),
        (0, vec![], vec![record(ASKED, SOA, 9, b"abc")], 0),
        (0, vec![], vec![], 0),
        (3, vec![], vec![soa(600, 60)], 60),
        (3, vec![], vec![], 0),
        (0, vec![alias()], vec![soa(600, 7)], 7),
        (0, vec![alias()], vec![], 0),
        (2, vec![], vec![], 1),
        (5, vec![address(300)], vec![], 0),
    ] {
        let counts = [answers.len() as u16, authority.len() as u16, 0];
        let packet = message(rcode, counts, &[answers, authority].concat());
        assert_eq!(read(&packet, QUESTION, 7).unwrap().lifetime_s, lifetime_s);
    }
}

#[test]
fn no_bytes_make_the_reader_fail_otherwise() {
    // A fixed sequence of mutations; what matters is that nothing panics.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let seed = message(
        0,
        [3, 1, 1],
        &[
            record(ASKED, 5, 60, b"\x01a\x03bad\xc0\x15"),
            record(b"\xc0\x2e", 65, 60, b"\0\x01\xc0\x30"),
            address(3),
            record(b"\x01b\xc0\x2e", SOA, 60, &[0; 22]),
            record(b"\0", 41, 0, b"\0\x0f\0\x02\0\x06"),
        ],
    );
    assert!(read(&seed, QUESTION, 7).is_ok());
    for _ in 0..100_000 {
        let mut packet = seed.clone();
        for _ in 0..=random(4) {
            let at = 6 + random(packet.len() - 6);
            if !(12..12 + QUESTION.len()).contains(&at) {
                packet[at] = [random(256) as u8, 0, 0xC0, 0xFF, 1][random(5)];
            }
        }
        packet.truncate(33 + random(packet.len() - 32));
        let _ = read(&packet, QUESTION, 7);
    }
}
