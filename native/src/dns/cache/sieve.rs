//! Entries by key and in one queue, and which of them goes first: SIEVE (Zhang et al., NSDI 2024).
//!
//! The queue is in order of arrival, each use sets a bit, and a hand that moves from the oldest to the newest
//! clears the bits and takes out the first entry without one. A use costs one store and moves nothing, unlike
//! least-recently-used; and names that are asked once, of which DNS has most, go before they displace those
//! asked again, unlike CLOCK. Each bit that the hand clears was set by one use: taking out is O(1) amortised.

use super::slots::{Slot, Slots, NONE};
use super::Kept;
use hashbrown::HashTable;
use siphasher::sip::SipHasher13;
use std::hash::{BuildHasher, RandomState};

/// What an entry takes of the table at most: nine bytes a bucket, of which 7/24 or more are in use.
pub const TABLE_BYTES: usize = 32;

/// Keyed by chance: nobody can choose names that collide.
pub struct Sieve {
    hasher: SipHasher13,
    places: HashTable<Place>,
    slots: Slots,
    newest: u32,
    oldest: u32,
    /// Where SIEVE goes on; `NONE`: at the oldest.
    hand: u32,
}

/// The hash is kept beside the slot's number: growing then reads the table and nothing else.
struct Place {
    hash: u32,
    slot: u32,
}

impl Place {
    fn hash(&self) -> u64 {
        spread(self.hash)
    }
}

/// Both ends are used, one for the bucket and one for the tag.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            hasher: SipHasher13::new_with_keys(by_chance(), by_chance()),
            places: HashTable::new(),
            slots: Slots::default(),
            newest: NONE,
            oldest: NONE,
            hand: NONE,
        }
    }
}

impl Sieve {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Entries are numbered from 0 without holes; `remove` renumbers the last one.
    pub fn at(&self, number: u32) -> &Slot {
        self.slots.at(number)
    }

    pub fn at_mut(&mut self, number: u32) -> &mut Slot {
        self.slots.at_mut(number)
    }

    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hash(key);
        let same = |place: &Place| place.hash == hash && *self.slots.at(place.slot).key == *key;
        Some(self.places.find(spread(hash), same)?.slot)
    }

    /// Puts an entry at the newest end; its key must not be there.
    pub fn insert(&mut self, key: &[u8], kept: Kept, used: bool) {
        let number = self.slots.len() as u32;
        let hash = self.hash(key);
        self.slots.push(Slot {
            key: key.into(),
            kept,
            hash,
            newer: NONE,
            older: self.newest,
            used,
        });
        match self.newest {
            NONE => self.oldest = number,
            newest => self.slots.at_mut(newest).newer = number,
        }
        self.newest = number;
        let place = Place { hash, slot: number };
        self.places.insert_unique(spread(hash), place, Place::hash);
    }

    pub fn remove(&mut self, number: u32) {
        let (hash, newer, older) = self.slots.at(number).links();
        if let Ok(place) = self.places.find_entry(spread(hash), |p| p.slot == number) {
            place.remove();
        }
        if self.hand == number {
            self.hand = newer;
        }
        self.link(newer, older);
        // The last slot moves into the hole: no room is ever held for nothing.
        let last = self.slots.len() as u32 - 1;
        if last != number {
            self.renumber(last, number);
        }
        self.slots.swap_remove(number);
        if self.places.len() < self.places.capacity() / 3 {
            self.places
                .shrink_to(self.places.len() * 3 / 2, Place::hash);
        }
    }

    /// The first entry from the hand on that was not used since the hand came by, or that has expired.
    /// There must be one at least.
    pub fn first_to_go(&mut self, now_s: f64) -> u32 {
        let mut number = self.hand;
        loop {
            if number == NONE {
                number = self.oldest;
            }
            let slot = self.slots.at_mut(number);
            // Had an expired one been asked for, it had been renewed.
            if !slot.used || slot.kept.is_expired(now_s) {
                self.hand = number;
                return number;
            }
            slot.used = false;
            number = slot.newer;
        }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash(key) as u32
    }

    /// Makes neighbours of two slots; `NONE` is an end.
    fn link(&mut self, newer: u32, older: u32) {
        match newer {
            NONE => self.newest = older,
            newer => self.slots.at_mut(newer).older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.slots.at_mut(older).newer = newer,
        }
    }

    /// Lets everything that leads to slot `from` lead to `to`.
    fn renumber(&mut self, from: u32, to: u32) {
        let (hash, newer, older) = self.slots.at(from).links();
        if let Some(place) = self.places.find_mut(spread(hash), |p| p.slot == from) {
            place.slot = to;
        }
        if self.hand == from {
            self.hand = to;
        }
        match newer {
            NONE => self.newest = to,
            newer => self.slots.at_mut(newer).older = to,
        }
        match older {
            NONE => self.oldest = to,
            older => self.slots.at_mut(older).newer = to,
        }
    }
}

/// Half a key from the system's randomness.
fn by_chance() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
impl Sieve {
    /// All entries, newest first, once table and queue were seen to agree about each.
    pub fn whole(&self) -> Vec<&Slot> {
        let mut seen = Vec::new();
        let (mut number, mut before) = (self.newest, NONE);
        while number != NONE {
            let slot = self.at(number);
            assert_eq!(slot.newer, before);
            assert_eq!(self.find(&slot.key), Some(number));
            seen.push(slot);
            (before, number) = (number, slot.older);
        }
        assert_eq!(self.oldest, before);
        assert_eq!((seen.len(), self.places.len()), (self.len(), self.len()));
        assert!(self.hand == NONE || (self.hand as usize) < self.len());
        seen
    }
}
