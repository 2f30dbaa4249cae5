//! A second reading of what is written, as simple as can be: it shares nothing with the crate's readers.

/// A whole message, by its sections.
#[derive(Debug)]
pub struct Walk<'a> {
    pub id: u16,
    pub flags: u16,
    pub counts: [u16; 4],
    pub question: &'a [u8],
    /// Answer and authority records.
    pub body: &'a [u8],
    /// CLASS, TTL and RDATA of the OPT record.
    pub opt: Option<(u16, u32, &'a [u8])>,
}

/// `None`: the message is not what its header counts.
pub fn walk(message: &[u8]) -> Option<Walk<'_>> {
    let word = |at: usize| Some(u16::from_be_bytes(*message.get(at..)?.first_chunk()?));
    let counts = [word(4)?, word(6)?, word(8)?, word(10)?];
    let mut at = 12;
    for _ in 0..counts[0] {
        at = behind_name(message, at)? + 4;
    }
    let question = message.get(12..at)?;
    let body_at = at;
    let records = u32::from(counts[1]) + u32::from(counts[2]);
    for _ in 0..records {
        at = record(message, at)?.1;
    }
    let body = message.get(body_at..at)?;
    let mut opt = None;
    for _ in 0..counts[3] {
        let (fixed_at, behind) = record(message, at)?;
        if word(fixed_at)? == 41 {
            let ttl = u32::from(word(fixed_at + 4)?) << 16 | u32::from(word(fixed_at + 6)?);
            opt = Some((
                word(fixed_at + 2)?,
                ttl,
                message.get(fixed_at + 10..behind)?,
            ));
        }
        at = behind;
    }
    (at == message.len()).then_some(Walk {
        id: word(0)?,
        flags: word(2)?,
        counts,
        question,
        body,
        opt,
    })
}

/// Where the record's TYPE lies, and what is behind the record.
fn record(message: &[u8], at: usize) -> Option<(usize, usize)> {
    let fixed_at = behind_name(message, at)?;
    let length = message.get(fixed_at + 8..)?.first_chunk()?;
    let behind = fixed_at + 10 + usize::from(u16::from_be_bytes(*length));
    (behind <= message.len()).then_some((fixed_at, behind))
}

fn behind_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            192..=255 => return Some(at + 2),
            _ => return None,
        }
    }
}
