//! Whether an answer is one to the question asked, and says what it must.

use crate::query::{unique_label, HEADER, UNIQUE_LABEL};
use crate::questions::{Expectation, Question};
use crate::record;

const A: u16 = 1;
const IN: u16 = 1;
const OPT: u16 = 41;
const COOKIE: u16 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Right,
    /// TC is set: the client is to ask again over TCP.
    Truncated,
    Wrong,
}

/// Look at header, question and, where an address is expected, the first address record.
pub fn judge(message: &[u8], unique: Option<u64>, question: &Question) -> Judgement {
    let Some(header) = message.get(..HEADER) else {
        return Judgement::Wrong;
    };
    // A response (QR) of opcode 0, to one question.
    if header[2] & 0xf8 != 0x80 || header[4..6] != [0, 1] {
        return Judgement::Wrong;
    }
    let mut rest = &message[HEADER..];
    if let Some(number) = unique {
        match rest.strip_prefix(&unique_label(number)) {
            Some(after) => rest = after,
            None => return Judgement::Wrong,
        }
    }
    if !rest.starts_with(&question.wire) {
        return Judgement::Wrong;
    }
    if header[2] & 2 != 0 {
        return Judgement::Truncated;
    }
    let rcode = header[3] & 15;
    let right = match question.expectation {
        Expectation::Any => true,
        Expectation::Rcode(expected) => rcode == expected,
        Expectation::Address(expected) => {
            rcode == 0 && first_address(message, unique, question) == Some(&expected.octets()[..])
        }
    };
    if right {
        Judgement::Right
    } else {
        Judgement::Wrong
    }
}

fn first_address<'a>(
    message: &'a [u8],
    unique: Option<u64>,
    question: &Question,
) -> Option<&'a [u8]> {
    let mut at = HEADER + unique.map_or(0, |_| UNIQUE_LABEL) + question.wire.len();
    for _ in 0..count(message, 6) {
        let (record, next) = record::read(message, at)?;
        if (record.rtype, record.class) == (A, IN) {
            return Some(record.rdata);
        }
        at = next;
    }
    None
}

/// Whether the message has all the records that its header counts, and nothing after them.
pub fn is_whole(message: &[u8]) -> bool {
    records_end(message, |_| ()) == Some(message.len())
}

/// The cookie option of an answer: the client's 8 bytes and the server's 8 to 32 (RFC 7873 section 4).
pub fn cookie(message: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    records_end(message, |record| {
        if record.rtype == OPT {
            let mut options = record.rdata;
            while let [high, low, more, less, rest @ ..] = options {
                let length = usize::from(u16::from_be_bytes([*more, *less])).min(rest.len());
                if u16::from_be_bytes([*high, *low]) == COOKIE && (16..=40).contains(&length) {
                    found = Some(rest[..length].to_vec());
                }
                options = &rest[length..];
            }
        }
    })?;
    found
}

fn records_end(message: &[u8], mut each: impl FnMut(record::Record<'_>)) -> Option<usize> {
    if message.len() < HEADER {
        return None;
    }
    let mut at = HEADER;
    for _ in 0..count(message, 4) {
        at = record::skip_name(message, at)? + 4;
    }
    for _ in 0..count(message, 6) + count(message, 8) + count(message, 10) {
        let (record, next) = record::read(message, at)?;
        each(record);
        at = next;
    }
    Some(at)
}

fn count(message: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([message[at], message[at + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questions;

    const ANSWER: &[u8] = b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x01";

    fn question(expectation: &str) -> Question {
        let mut read = questions::read(&format!("a.example A {expectation}")).unwrap();
        read.remove(0)
    }

    fn changed(at: usize, value: u8) -> Vec<u8> {
        let mut message = ANSWER.to_vec();
        message[at] = value;
        message
    }

    #[test]
    fn the_expected_address_is_right_and_another_is_wrong() {
        assert_eq!(
            judge(ANSWER, None, &question("a=192.0.2.1")),
            Judgement::Right
        );
        assert_eq!(
            judge(ANSWER, None, &question("a=192.0.2.2")),
            Judgement::Wrong
        );
    }

    #[test]
    fn an_address_behind_an_alias_is_found() {
        let mut message = changed(7, 2);
        message.splice(27..27, *b"\xc0\x0c\0\x05\0\x01\0\0\0\x01\0\x02\xc0\x0c");
        assert_eq!(
            judge(&message, None, &question("a=192.0.2.1")),
            Judgement::Right
        );
        assert!(is_whole(&message));
    }

    #[test]
    fn another_question_a_query_and_an_error_are_wrong() {
        for message in [changed(13, b'b'), changed(2, 0x01), changed(3, 0x82)] {
            assert_eq!(
                judge(&message, None, &question("a=192.0.2.1")),
                Judgement::Wrong
            );
        }
        assert_eq!(
            judge(&changed(3, 0x83), None, &question("rcode=3")),
            Judgement::Right
        );
    }

    #[test]
    fn a_truncated_answer_is_told_apart() {
        assert_eq!(
            judge(&changed(2, 0x83), None, &question("any")),
            Judgement::Truncated
        );
    }

    #[test]
    fn a_cut_answer_is_never_right_nor_whole() {
        for end in 0..ANSWER.len() {
            let cut = &ANSWER[..end];
            assert_eq!(judge(cut, None, &question("a=192.0.2.1")), Judgement::Wrong);
            assert!(!is_whole(cut));
        }
        assert!(is_whole(ANSWER));
    }

    #[test]
    fn a_cookie_is_found_in_the_opt_record() {
        let mut message = changed(11, 1);
        message.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\x14\0\x0a\0\x10clientc_serverc_");
        assert_eq!(cookie(&message).unwrap(), b"clientc_serverc_");
        assert_eq!(cookie(ANSWER), None);
    }
}
