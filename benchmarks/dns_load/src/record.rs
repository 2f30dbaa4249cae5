//! Resource records of a message, one after the other (RFC 1035 section 4.1.3).

pub struct Record<'a> {
    pub rtype: u16,
    pub class: u16,
    pub rdata: &'a [u8],
}

/// The record at `at` and where the next one starts; None where the message is cut short or malformed.
pub fn read(message: &[u8], at: usize) -> Option<(Record<'_>, usize)> {
    let fixed = skip_name(message, at)?;
    let head: &[u8; 10] = message.get(fixed..fixed + 10)?.try_into().ok()?;
    let start = fixed + 10;
    let end = start + usize::from(u16::from_be_bytes([head[8], head[9]]));
    let record = Record {
        rtype: u16::from_be_bytes([head[0], head[1]]),
        class: u16::from_be_bytes([head[2], head[3]]),
        rdata: message.get(start..end)?,
    };
    Some((record, end))
}

/// Where a name ends; pointers are not followed.
pub fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += usize::from(length) + 1,
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_a_pointer_for_a_name_is_read() {
        let message = b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x01";
        let (record, end) = read(message, 0).unwrap();
        assert_eq!(
            (record.rtype, record.class, record.rdata, end),
            (1, 1, &b"\xc0\0\x02\x01"[..], 16)
        );
    }

    #[test]
    fn a_record_cut_anywhere_is_none() {
        let message = b"\x01a\0\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x01";
        for end in 0..message.len() {
            assert!(read(&message[..end], 0).is_none());
        }
    }
}
