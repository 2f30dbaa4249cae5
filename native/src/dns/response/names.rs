//! Compressed names (RFC 1035 §4.1.4), each read once.

use crate::dns::query::{HEADER_BYTES, MAX_LABEL_BYTES, MAX_NAME_BYTES};

const MAX_POINTERS: usize = 127;
/// What a pointer can lead to.
const POINTED_BYTES: usize = 0x4000;
const TTL_BYTES: usize = 4;
const CUT_OFF: &str = "cut off inside a name";
const TOO_LONG: &str = "a name is too long";

/// A name that was read: where it lies among the plain ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    start: u32,
    end: u32,
}

/// The names of one message in plain lower-case wire form.
pub struct Names<'a> {
    packet: &'a [u8],
    plain: Vec<u8>,
    /// By where they begin in the message, ascending: many pointers to one long chain then cost no more
    /// than one, and a name that is nothing but such a pointer costs no bytes.
    known: Vec<(u16, Name)>,
    /// Where lifetimes lie, ascending. They are counted down, and a name in them would change.
    ttls: Vec<usize>,
}

impl<'a> Names<'a> {
    /// The message `packet`, whose name at offset `at` is known to be `asked` (lower case).
    pub fn new(packet: &'a [u8], asked: &[u8], at: usize) -> (Self, Name) {
        let name = Name {
            start: 0,
            end: asked.len() as u32,
        };
        let names = Self {
            packet,
            plain: asked.to_vec(),
            known: vec![(at as u16, name)],
            ttls: Vec::with_capacity(4),
        };
        (names, name)
    }

    /// A lifetime lies at offset `at`, behind all that were told before: no pointer may lead into it.
    pub fn has_ttl(&mut self, at: usize) {
        self.ttls.push(at);
    }

    pub fn bytes(&self, name: Name) -> &[u8] {
        &self.plain[name.start as usize..name.end as usize]
    }

    /// The possibly compressed name at `start`, and the offset behind it.
    pub fn read(&mut self, start: usize) -> Result<(Name, usize), &'static str> {
        let begun = self.plain.len();
        let (mut at, mut lowest, mut behind) = (start, start, None);
        let mut pointed_from = usize::MAX;
        for _ in 0..MAX_POINTERS {
            at = self.labels(at, begun)?;
            let length = self.byte(at)?;
            let last = at + usize::from(length >= 0xC0);
            if behind.is_some() && (last >= pointed_from || self.touches_a_ttl(lowest, last)) {
                return Err("a compression pointer leads to no earlier name");
            }
            if length == 0 {
                self.plain.push(0);
                let name = self.remember(start, self.since(begun));
                return Ok((name, behind.unwrap_or(at + 1)));
            }
            if length < 0xC0 {
                return Err("a label of an unknown type");
            }
            let target = usize::from(length & 0x3F) << 8 | usize::from(self.byte(at + 1)?);
            let behind = *behind.get_or_insert(at + 2);
            if !(HEADER_BYTES..lowest).contains(&target) {
                // Pointers must lead backwards: then every chain ends.
                return Err("a compression pointer does not lead backwards");
            }
            if let Some(known) = self.known(target) {
                let name = self.followed_by(begun, known)?;
                return Ok((self.remember(start, name), behind));
            }
            pointed_from = lowest;
            (at, lowest) = (target, target);
        }
        Err("too many compression pointers")
    }

    /// Copies labels from offset `at`; the offset of the byte that is no label.
    fn labels(&mut self, mut at: usize, begun: usize) -> Result<usize, &'static str> {
        loop {
            let length = usize::from(self.byte(at)?);
            if !(1..=MAX_LABEL_BYTES).contains(&length) {
                return Ok(at);
            }
            let behind = at + 1 + length;
            let label = self.packet.get(at..behind).ok_or(CUT_OFF)?;
            // A length byte is at most 63 and so never an upper-case letter.
            self.plain.extend(label.iter().map(u8::to_ascii_lowercase));
            if self.plain.len() - begun >= MAX_NAME_BYTES {
                return Err(TOO_LONG);
            }
            at = behind;
        }
    }

    fn touches_a_ttl(&self, from: usize, last: usize) -> bool {
        let next = self.ttls.partition_point(|ttl| ttl + TTL_BYTES <= from);
        self.ttls.get(next).is_some_and(|&ttl| ttl <= last)
    }

    fn byte(&self, at: usize) -> Result<u8, &'static str> {
        self.packet.get(at).copied().ok_or(CUT_OFF)
    }

    fn since(&self, begun: usize) -> Name {
        Name {
            start: begun as u32,
            end: self.plain.len() as u32,
        }
    }

    /// The labels copied since `begun`, and behind them a name that is known.
    fn followed_by(&mut self, begun: usize, known: Name) -> Result<Name, &'static str> {
        if self.plain.len() == begun {
            return Ok(known);
        }
        self.plain
            .extend_from_within(known.start as usize..known.end as usize);
        if self.plain.len() - begun > MAX_NAME_BYTES {
            return Err(TOO_LONG);
        }
        Ok(self.since(begun))
    }

    fn known(&self, at: usize) -> Option<Name> {
        let place = self
            .known
            .binary_search_by_key(&at, |&(known, _)| usize::from(known))
            .ok()?;
        Some(self.known[place].1)
    }

    fn remember(&mut self, at: usize, name: Name) -> Name {
        let last = self.known.last().map_or(0, |&(last, _)| usize::from(last));
        // A target that lies outside its own record may come out of order: it is read again then.
        if last < at && at < POINTED_BYTES {
            self.known.push((at as u16, name));
        }
        name
    }
}
