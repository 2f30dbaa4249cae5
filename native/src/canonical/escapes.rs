//! Percent escapes: decoded to their fixed point, and written again where they must be.

/// Percent-decoding to its fixed point, in linear time: a decoded byte may complete an escape that
/// began before it, so the end of the output is looked at again after each byte.
pub fn decode(raw: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    for &byte in raw {
        out.push(byte);
        while let [.., b'%', high, low] = out.as_slice() {
            let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                break;
            };
            out.truncate(out.len() - 3);
            out.push(high << 4 | low);
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

pub fn escape(byte: u8, also: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if also || byte <= 0x20 || byte >= 0x7f || byte == b'#' || byte == b'%' {
        out.extend_from_slice(&[
            b'%',
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    } else {
        out.push(byte);
    }
}
