//! Names in plain host-name letters, in wire form. Whatever else a label may hold is Python's to read.

/// The lower-case form of a plain byte; 0 for any other.
static LOWER: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut b = 0usize;
    while b < 256 {
        table[b] = match b as u8 {
            c @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => c,
            c @ b'A'..=b'Z' => c + 32,
            _ => 0,
        };
        b += 1;
    }
    table
};

/// Writes a well-formed name in lower case; false when it is the root or a label is not plain.
pub fn lower(name: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut at = 0;
    let mut plain = 1;
    while at < name.len() && name[at] != 0 {
        let end = at + 1 + usize::from(name[at]);
        let Some(label) = name.get(at + 1..end) else {
            return false;
        };
        out.push(name[at]);
        out.extend(label.iter().map(|&b| {
            let lower = LOWER[usize::from(b)];
            plain &= u8::from(lower != 0);
            lower
        }));
        at = end;
    }
    out.push(0);
    plain != 0 && out.len() > 1
}

/// The dotted text of what `lower` wrote, without a dot at the end.
pub fn text(lower: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let Some(inner) = lower.get(1..lower.len().saturating_sub(1)) else {
        return;
    };
    out.extend_from_slice(inner);
    let mut at = usize::from(lower[0]);
    while at < out.len() {
        let length = usize::from(out[at]);
        out[at] = b'.';
        at += 1 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowered(name: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        lower(name, &mut out).then_some(out)
    }

    #[test]
    fn plain_names_are_lowered_and_others_left_to_python() {
        assert_eq!(
            lowered(b"\x03WwW\x07Example\0").unwrap(),
            b"\x03www\x07example\0"
        );
        assert_eq!(
            lowered(b"\x02_x\x07example\0").unwrap(),
            b"\x02_x\x07example\0"
        );
        for odd in [
            &b"\0"[..],
            b"\x03a.b\0",
            b"\x02\xc3\xa4\0",
            b"\x01*\0",
            b"\x01\0\0",
        ] {
            assert_eq!(lowered(odd), None);
        }
    }

    #[test]
    fn text_has_dots_where_lengths_were() {
        let mut out = Vec::new();
        text(b"\x03www\x07example\0", &mut out);
        assert_eq!(out, b"www.example");
        text(b"\x01a\0", &mut out);
        assert_eq!(out, b"a");
        text(b"\0", &mut out);
        assert_eq!(out, b"");
    }
}
