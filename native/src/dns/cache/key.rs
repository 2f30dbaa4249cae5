//! Under what an answer is kept: all of the question that may change it. The class is always IN.

/// Builds the key of a question into `out`, which is cleared first. `name` is in wire form, lower case.
pub fn key(name: &[u8], qtype: u16, dnssec_ok: bool, checking_disabled: bool, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(name);
    out.extend_from_slice(&qtype.to_be_bytes());
    out.push(u8::from(dnssec_ok) | u8::from(checking_disabled) << 1);
}

/// The name, qtype, DO and CD that a key was built from.
pub fn question_of(key: &[u8]) -> Option<(&[u8], u16, bool, bool)> {
    let (name, &[high, low, flags]) = key.split_last_chunk()?;
    Some((
        name,
        u16::from_be_bytes([high, low]),
        flags & 1 != 0,
        flags & 2 != 0,
    ))
}
