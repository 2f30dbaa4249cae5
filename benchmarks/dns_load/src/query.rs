//! Queries: header, perhaps a fresh label, question, and the OPT record of the socket.

use crate::questions::Question;

pub const HEADER: usize = 12;
/// Length byte and 16 hexadecimal digits.
pub const UNIQUE_LABEL: usize = 17;
/// Long enough for the longest name with a fresh label and a full cookie.
pub const MAX_BYTES: usize = 384;

const PAYLOAD_BYTES: u16 = 1232;
const OPT: u16 = 41;
const COOKIE: u16 = 10;

/// The OPT record at a query's end: none, plain, or with a cookie (RFC 6891, RFC 7873).
pub fn opt(edns: bool, cookie: Option<&[u8]>) -> Vec<u8> {
    let mut record = Vec::new();
    if !edns {
        return record;
    }
    record.push(0);
    record.extend_from_slice(&OPT.to_be_bytes());
    record.extend_from_slice(&PAYLOAD_BYTES.to_be_bytes());
    record.extend_from_slice(&[0; 4]);
    let length = cookie.map_or(0, |cookie| cookie.len() + 4) as u16;
    record.extend_from_slice(&length.to_be_bytes());
    if let Some(cookie) = cookie {
        record.extend_from_slice(&COOKIE.to_be_bytes());
        record.extend_from_slice(&(cookie.len() as u16).to_be_bytes());
        record.extend_from_slice(cookie);
    }
    record
}

/// Write a query into `buffer`; its length.
pub fn write(
    buffer: &mut [u8; MAX_BYTES],
    id: u16,
    unique: Option<u64>,
    question: &Question,
    opt: &[u8],
) -> usize {
    let has_opt = u8::from(!opt.is_empty());
    buffer[..2].copy_from_slice(&id.to_be_bytes());
    buffer[2..HEADER].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, has_opt]);
    let mut at = HEADER;
    if let Some(number) = unique {
        buffer[at..at + UNIQUE_LABEL].copy_from_slice(&unique_label(number));
        at += UNIQUE_LABEL;
    }
    for part in [&question.wire, opt] {
        buffer[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    at
}

/// A label that no other number has.
pub fn unique_label(number: u64) -> [u8; UNIQUE_LABEL] {
    let mut label = [16; UNIQUE_LABEL];
    for (place, digit) in label[1..].iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (60 - 4 * place)) as usize & 15];
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questions;

    #[test]
    fn a_query_asks_for_recursion_and_ends_with_its_opt_record() {
        let question = &questions::read("a.example A any").unwrap()[0];
        let mut buffer = [0xff; MAX_BYTES];
        let length = write(&mut buffer, 0x1234, None, question, &opt(true, None));
        assert_eq!(
            &buffer[..length],
            b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01\x01a\x07example\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0"
        );
    }

    #[test]
    fn without_edns_nothing_follows_the_question() {
        let question = &questions::read("a.example A any").unwrap()[0];
        let mut buffer = [0; MAX_BYTES];
        let length = write(&mut buffer, 1, None, question, &opt(false, None));
        assert_eq!(length, HEADER + question.wire.len());
        assert_eq!(buffer[11], 0);
    }

    #[test]
    fn a_cookie_stands_in_the_opt_record() {
        let record = opt(true, Some(b"12345678"));
        assert_eq!(&record[9..], b"\0\x0c\0\x0a\0\x0812345678");
    }

    #[test]
    fn a_unique_label_is_the_number_in_hexadecimal() {
        assert_eq!(
            &unique_label(0x0123_4567_89ab_cdef),
            b"\x100123456789abcdef"
        );
    }
}
