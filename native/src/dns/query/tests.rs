use super::*;

const NAME: &[u8] = b"\x03Www\x04good\x07example\x00";

/// A query for AAAA of `NAME`, with these additional records.
fn packet(additional: &[&[u8]]) -> Vec<u8> {
    let count = additional.len() as u8;
    let header = [0x12, 0x67, 1, 0, 0, 1, 0, 0, 0, 0, 0, count];
    let mut packet = [&header[..], NAME, &[0, 28, 0, 1]].concat();
    for record in additional {
        packet.extend_from_slice(record);
    }
    packet
}

fn opt(version: u8, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut rdata = Vec::new();
    for (code, data) in options {
        rdata.extend_from_slice(&code.to_be_bytes());
        rdata.extend_from_slice(&(data.len() as u16).to_be_bytes());
        rdata.extend_from_slice(data);
    }
    let mut record = vec![0, 0, 41, 4, 0xD0, 0, version, 0x80, 0];
    record.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    record.extend_from_slice(&rdata);
    record
}

fn accepted(packet: &[u8]) -> Query<'_> {
    match read(packet) {
        Read::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

fn rejected(packet: &[u8]) -> (u16, Query<'_>) {
    match read(packet) {
        Read::Rejected { rcode, query } => (rcode, query),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_is_read_with_its_case_kept() {
    let packet = packet(&[]);
    let query = accepted(&packet);
    assert_eq!((query.id, query.flags), (0x1267, flags::RD));
    assert_eq!(query.name(), NAME);
    assert_eq!((query.qtype(), query.qclass()), (28, 1));
    assert_eq!(query.packet_bytes, packet.len());
    assert!(query.opt.is_none() && query.cookie.is_none() && !query.other_options);
    assert!(!query.dnssec_ok() && !query.checking_disabled());
}

#[test]
fn the_edns_fields_are_read() {
    let packet = packet(&[&opt(0, &[])]);
    let opt = accepted(&packet).opt.unwrap();
    assert_eq!((opt.payload_bytes, opt.version), (1232, 0));
    assert!(opt.dnssec_ok);
}

#[test]
fn the_first_cookie_counts() {
    let packet = packet(&[&opt(0, &[(10, &[1; 8]), (10, &[2; 3])])]);
    let query = accepted(&packet);
    assert_eq!(query.cookie, Some(&[1; 8][..]));
    assert!(query.other_options);
}

#[test]
fn options_besides_the_cookie_are_told() {
    for (options, other) in [
        (&[(10, &[1; 24][..])][..], false),
        (&[(8, &[0, 1, 0, 0])], true),
        (&[(10, &[1; 24]), (12, &[])], true),
    ] {
        let packet = packet(&[&opt(0, options)]);
        assert_eq!(accepted(&packet).other_options, other);
    }
}

#[test]
fn a_cookie_of_a_length_that_none_has_is_a_format_error_that_still_has_opt() {
    for length in 0..=50 {
        let cookie = vec![1; length];
        let packet = packet(&[&opt(0, &[(10, &cookie)])]);
        if length == 8 || (16..=40).contains(&length) {
            assert_eq!(accepted(&packet).cookie, Some(&cookie[..]));
        } else {
            let (rcode, query) = rejected(&packet);
            assert_eq!(rcode, rcode::FORMERR);
            assert!(query.opt.is_some() && query.cookie.is_none());
        }
    }
}

#[test]
fn another_version_is_badvers_and_its_options_are_not_read() {
    let packet = packet(&[&opt(1, &[(10, &[1; 3])])]);
    let (rcode, query) = rejected(&packet);
    assert_eq!(rcode, rcode::BADVERS);
    assert!(query.opt.is_some() && query.cookie.is_none());
}

#[test]
fn responses_and_less_than_a_header_are_ignored() {
    let mut packet = packet(&[]);
    for size in 0..HEADER_BYTES {
        assert_eq!(read(&packet[..size]), Read::Ignored);
    }
    packet[2] |= 0x80;
    assert_eq!(read(&packet), Read::Ignored);
}

#[test]
fn a_query_cut_off_anywhere_is_a_format_error() {
    let whole = packet(&[
        b"\x01k\x00\x00\xfa\x00\xff\0\0\0\0\0\x03sig",
        &opt(0, &[(10, &[1; 8])]),
    ]);
    assert_eq!(accepted(&whole).cookie, Some(&[1; 8][..]));
    for end in HEADER_BYTES..whole.len() {
        assert_eq!(rejected(&whole[..end]).0, rcode::FORMERR, "{end}");
    }
    assert_eq!(rejected(&[&whole[..], &[0]].concat()).0, rcode::FORMERR);
}

#[test]
fn names_have_no_pointers_and_at_most_255_bytes() {
    let question = |name: &[u8]| [&packet(&[])[..HEADER_BYTES], name, &[0, 1, 0, 1]].concat();
    for first in [0x40, 0x80, 0xC0, 0xFF] {
        let packet = question(&[first, 12]);
        let (rcode, query) = rejected(&packet);
        assert_eq!((rcode, query.question), (rcode::FORMERR, &[][..]));
        assert_eq!(
            (query.name(), query.qtype(), query.qclass()),
            (&[][..], 0, 0)
        );
    }
    let label = |length: u8| [&[length][..], &vec![b'a'; usize::from(length)]].concat();
    let (long, last) = (label(63).repeat(3), |length| {
        [&label(length)[..], &[0]].concat()
    });
    assert_eq!(
        accepted(&question(&[&long[..], &last(61)].concat()))
            .name()
            .len(),
        255
    );
    assert_eq!(
        rejected(&question(&[&long[..], &last(62)].concat())).0,
        rcode::FORMERR
    );
    assert_eq!(accepted(&question(&[0])).name(), [0]);
}

#[test]
fn two_opt_records_or_one_with_an_owner_are_a_format_error() {
    let (one, mut owned) = (opt(0, &[]), opt(0, &[]));
    owned.splice(0..0, *b"\x01a");
    for (packet, has_opt) in [(packet(&[&one, &one]), true), (packet(&[&owned]), false)] {
        let (rcode, query) = rejected(&packet);
        assert_eq!((rcode, query.opt.is_some()), (rcode::FORMERR, has_opt));
    }
}

#[test]
fn an_upstream_is_asked_with_an_empty_opt_record() {
    let question = b"\x04good\x07example\x00\x00\x01\x00\x01";
    let mut out = vec![0xEE];
    write_upstream(question, 0x1267, 1232, true, true, &mut out);
    let query = accepted(&out[1..]);
    assert_eq!(
        (query.id, query.flags, query.question),
        (0x1267, flags::RD | flags::CD, &question[..])
    );
    let opt = query.opt.unwrap();
    assert_eq!(
        (opt.payload_bytes, opt.dnssec_ok, opt.options().count()),
        (1232, true, 0)
    );
    assert_eq!(out.len(), 1 + HEADER_BYTES + question.len() + 11);
}

#[test]
fn no_changed_bytes_make_the_reader_panic() {
    let whole = packet(&[
        b"\x01k\x00\x00\xfa\x00\xff\0\0\0\0\0\x03sig",
        &opt(0, &[(10, &[1; 8])]),
    ]);
    for at in 0..whole.len() {
        for value in 0..=255 {
            let mut packet = whole.clone();
            packet[at] = value;
            for end in [at, at + 1, packet.len()] {
                if let Read::Query(query) | Read::Rejected { query, .. } = read(&packet[..end]) {
                    assert!(query.question.is_empty() || query.question.len() >= 5);
                }
            }
        }
    }
}
