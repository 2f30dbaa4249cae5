//! What one network was told of, counted by several processes at once and without a lock.
//!
//! - `id`: the network, as `Turn::id` has it. Who changes it has taken the place.
//! - `state`: 40 bits of that id, and the count. With other bits it is of whoever had the place before, and
//!   counts for nothing: the first who comes puts a zero there.
//! - `keys`: a hash table of what was told, without deletion: 16 bits that tell whose, 48 of the key. A slot
//!   with other bits is free.
//!
//! An entry is counted first and kept then, by one exchange each. So nobody finds a key that is not counted,
//! and whoever comes second with the same key finds it and takes back what he counted. Who dies in between
//! leaves a count that is one too high.

use super::region::Words;
use super::turn::{HASH, HASH_BITS};
use super::TRIES;
use std::sync::atomic::{AtomicU64, Ordering};

const COUNT_BITS: u32 = 24;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// What became of an entry that a network is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was told of this before.
    Again,
    New,
    /// With this one it has spent its budget.
    Last,
    /// It had spent its budget.
    Nothing,
}

/// A place, seen as that of the network `id`.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    words: Words<'a>,
    id: u64,
}

impl<'a> Place<'a> {
    pub fn new(words: Words<'a>, id: u64) -> Self {
        Self { words, id }
    }

    /// How many entries it was told of.
    pub fn count(&self) -> u64 {
        self.counted(self.words.state.load(Ordering::Acquire))
            .unwrap_or(0)
    }

    /// Tells it of an entry unless it was told of `budget`. None: another has taken its place meanwhile.
    pub fn tell(&self, key: u64, budget: u64) -> Option<Told> {
        if self.present_count()? >= budget {
            return Some(Told::Nothing);
        }
        let key = self.mark() | key & HASH;
        if self.has(key) {
            return Some(Told::Again);
        }
        let count = match self.add_one(budget) {
            Ok(count) => count,
            Err(full) => return full,
        };
        if self.keeps(key) {
            self.take_one_back();
            return Some(Told::Again);
        }
        Some(if count < budget {
            Told::New
        } else {
            Told::Last
        })
    }

    /// The count, after the place was made this network's if nobody has done that yet.
    fn present_count(&self) -> Option<u64> {
        for _ in 0..TRIES {
            let state = self.words.state.load(Ordering::Acquire);
            if let Some(count) = self.counted(state) {
                return Some(count);
            }
            // Looked at behind the state: as long as the place is ours, a state that is not is an older one.
            if self.words.id.load(Ordering::Acquire) != self.id {
                return None;
            }
            exchange(self.words.state, state, self.id << COUNT_BITS);
        }
        None
    }

    /// Counts one more; the count then. Err: what to say instead.
    fn add_one(&self, budget: u64) -> Result<u64, Option<Told>> {
        // An exchange fails where another has counted, so more than this are never needed.
        for _ in 0..=2 * budget {
            let state = self.words.state.load(Ordering::Acquire);
            let count = self.counted(state).ok_or(None)?;
            if count >= budget {
                break;
            }
            if exchange(self.words.state, state, state + 1) {
                return Ok(count + 1);
            }
        }
        Err(Some(Told::Nothing))
    }

    fn take_one_back(&self) {
        for _ in 0..TRIES {
            let state = self.words.state.load(Ordering::Acquire);
            let is_over = self.counted(state).is_none_or(|count| count == 0);
            if is_over || exchange(self.words.state, state, state - 1) {
                return;
            }
        }
    }

    fn has(&self, key: u64) -> bool {
        self.slots(key)
            .map(|slot| slot.load(Ordering::Acquire))
            .take_while(|&kept| self.is_mine(kept))
            .any(|kept| kept == key)
    }

    /// Keeps a key; true where it was kept already. Without room it is forgotten, and counted anew next time.
    fn keeps(&self, key: u64) -> bool {
        for slot in self.slots(key) {
            let mut kept = slot.load(Ordering::Acquire);
            if !self.is_mine(kept) {
                match slot.compare_exchange(kept, key, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return false,
                    Err(others) => kept = others,
                }
            }
            if kept == key {
                return true;
            }
        }
        false
    }

    /// Every slot once, beginning with the key's own.
    fn slots(&self, key: u64) -> impl Iterator<Item = &'a AtomicU64> {
        let (before, from) = self
            .words
            .keys
            .split_at(spread(key & HASH, self.words.keys.len()));
        from.iter().chain(before)
    }

    fn counted(&self, state: u64) -> Option<u64> {
        (state >> COUNT_BITS == self.id << COUNT_BITS >> COUNT_BITS).then_some(state & COUNT)
    }

    /// Never 0, as an empty slot is. Of the lower bits: the upper ones are alike in a whole set.
    fn mark(&self) -> u64 {
        (self.id | 1) << HASH_BITS
    }

    fn is_mine(&self, kept: u64) -> bool {
        kept & !HASH == self.mark()
    }
}

/// Spreads hashes over so many, without a division.
pub fn spread(hash: u64, over: usize) -> usize {
    ((u128::from(hash & HASH) * over as u128) >> HASH_BITS) as usize
}

fn exchange(word: &AtomicU64, old: u64, new: u64) -> bool {
    word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
        .is_ok()
}
