//! Where in shared memory what is kept, and that whoever shares it means the same by it.
//!
//! Other processes write here, and may die at it. So all of it is treated like bytes of a stranger's: what is
//! read is compared and counted, and never says how far to go or where to look. Positions follow from
//! this process's own shape and hashes alone.

use super::memory::Memory;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

pub const PLACES: usize = 8;
/// The most that a network can be told of: there must be room for one set.
pub const MOST_BUDGET: usize = 1 << 18;
const MOST_SETS: usize = 4096;
/// Room for keys of all networks together: 32 MiB.
const MOST_SLOTS: usize = 1 << 22;

/// Says in which form the words are, to processes of other versions too.
const FORM: u64 = 0x6f72_6163_6c65_0001;
const HEADER_WORDS: usize = 16;
const WINDOW: usize = 0;
const SALT: [usize; 2] = [1, 2];
const SPENT: usize = 3;
const FORM_WORD: usize = 8;
const SHAPE: [usize; 2] = [9, 10];
const ACCOUNTS: [usize; 2] = [11, 12];

/// How much is counted, and so how many words that takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    pub budget: usize,
    pub window_s: f64,
    pub sets: usize,
    /// Room for keys in each place: a quarter more than it may hold, so that they are found in a few looks.
    pub slots: usize,
}

impl Shape {
    /// `budget` 0: no limit, and no room. More than `MOST_BUDGET` is that.
    pub fn new(budget: usize, window_s: f64) -> Self {
        let budget = budget.min(MOST_BUDGET);
        let slots = budget + budget / 4 + 3;
        let sets = match budget {
            0 => 0,
            _ => (MOST_SLOTS / PLACES / slots).clamp(1, MOST_SETS),
        };
        Self {
            budget,
            window_s,
            sets,
            slots,
        }
    }

    /// How many networks are told apart.
    pub fn places(&self) -> usize {
        self.sets * PLACES
    }

    fn words(&self) -> usize {
        HEADER_WORDS + self.places() * (2 + self.slots)
    }

    fn told(&self) -> [u64; 2] {
        [self.budget as u64, self.window_s.to_bits()]
    }
}

/// Shared memory in that form.
pub struct Region {
    memory: Memory,
    pub shape: Shape,
    /// The key of the accounts, the same for all who share this.
    pub accounts: [u64; 2],
}

/// One network's: who it is, how much it was told, and of what. See `place`.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub id: &'a AtomicU64,
    pub state: &'a AtomicU64,
    pub keys: &'a [AtomicU64],
}

impl Region {
    /// One of our own, which those that are forked share.
    pub fn own(shape: Shape, accounts: [u64; 2]) -> io::Result<Self> {
        Ok(Self::begun(Memory::own(shape.words())?, shape, accounts))
    }

    /// One whose descriptor can be handed on.
    pub fn to_hand_on(shape: Shape, accounts: [u64; 2]) -> io::Result<Self> {
        Ok(Self::begun(
            Memory::to_hand_on(shape.words())?,
            shape,
            accounts,
        ))
    }

    /// One that was handed on; `InvalidData` where it is of another form or shape.
    pub fn handed_on(descriptor: RawFd, shape: Shape) -> io::Result<Self> {
        let memory = Memory::handed_on(descriptor, shape.words())?;
        let word = |at: usize| memory[at].load(Ordering::Acquire);
        if word(FORM_WORD) != FORM || SHAPE.map(word) != shape.told() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let accounts = ACCOUNTS.map(word);
        Ok(Self {
            memory,
            shape,
            accounts,
        })
    }

    pub fn descriptor(&self) -> Option<RawFd> {
        self.memory.descriptor()
    }

    /// The window that is now, as far as anybody has seen.
    pub fn window(&self) -> &AtomicU64 {
        &self.memory[WINDOW]
    }

    /// The secret of that window, in halves. See `turn`.
    pub fn salt(&self) -> [&AtomicU64; 2] {
        SALT.map(|at| &self.memory[at])
    }

    /// The number behind that of the last window in which a network has spent its budget; 0: none has.
    pub fn spent(&self) -> &AtomicU64 {
        &self.memory[SPENT]
    }

    /// Who has the places of a set.
    pub fn ids(&self, set: usize) -> &[AtomicU64] {
        let first = HEADER_WORDS + set * 2 * PLACES;
        &self.memory[first..first + PLACES]
    }

    /// A place of a set: both are of `shape`.
    pub fn place(&self, set: usize, place: usize) -> Words<'_> {
        let ids = HEADER_WORDS + set * 2 * PLACES;
        let keys =
            HEADER_WORDS + self.shape.places() * 2 + (set * PLACES + place) * self.shape.slots;
        Words {
            id: &self.memory[ids + place],
            state: &self.memory[ids + PLACES + place],
            keys: &self.memory[keys..keys + self.shape.slots],
        }
    }

    /// Every word of it, for tests that write what they like.
    #[cfg(test)]
    pub fn words(&self) -> &[AtomicU64] {
        &self.memory
    }

    fn begun(memory: Memory, shape: Shape, accounts: [u64; 2]) -> Self {
        let write = |at: usize, word| memory[at].store(word, Ordering::Release);
        for (at, word) in SHAPE.into_iter().zip(shape.told()) {
            write(at, word);
        }
        for (at, word) in ACCOUNTS.into_iter().zip(accounts) {
            write(at, word);
        }
        write(FORM_WORD, FORM);
        Self {
            memory,
            shape,
            accounts,
        }
    }
}
