//! Where the entries lie: numbered without holes, in pieces, so that growing copies nothing.

use super::Kept;

/// No slot.
pub const NONE: u32 = u32::MAX;
const PIECE: usize = 1024;

/// One entry, a cache line long. `newer` and `older` are its neighbours in order of arrival.
pub struct Slot {
    pub key: Box<[u8]>,
    pub kept: Kept,
    pub hash: u32,
    pub newer: u32,
    pub older: u32,
    pub used: bool,
}

const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    /// The hash, and the neighbours.
    pub fn links(&self) -> (u32, u32, u32) {
        (self.hash, self.newer, self.older)
    }
}

#[derive(Default)]
pub struct Slots {
    pieces: Vec<Vec<Slot>>,
    len: usize,
}

impl Slots {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn at(&self, number: u32) -> &Slot {
        &self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    pub fn at_mut(&mut self, number: u32) -> &mut Slot {
        &mut self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    /// The new slot's number is the length before.
    pub fn push(&mut self, slot: Slot) {
        let piece = self.len / PIECE;
        if piece == self.pieces.len() {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        self.pieces[piece].push(slot);
        self.len += 1;
    }

    /// Removes a slot; the last one takes its number.
    pub fn swap_remove(&mut self, number: u32) {
        self.len -= 1;
        if let Some(last) = self.pieces[self.len / PIECE].pop() {
            if number as usize != self.len {
                *self.at_mut(number) = last;
            }
        }
        // One empty piece is kept, or a cache that goes up and down at its edge would allocate each time.
        if self.pieces.len() > self.len / PIECE + 2 {
            self.pieces.pop();
        }
    }
}
