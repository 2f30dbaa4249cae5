//! Answers kept for their lifetime, bounded in bytes. Pure: the clock is passed in.
//!
//! Expired answers stay until their room is needed, or for a day: they are what is left when no upstream
//! can be reached (RFC 8767). What is kept is never a decision: whoever takes an answer out looks at who
//! judged it, so an answer cannot outlive a listing.
//!
//! What goes first is chosen by SIEVE (Zhang et al., NSDI 2024): one queue in order of arrival, a bit set
//! by each use, and a hand that moves from the oldest to the newest, clears the bits and takes out the
//! first answer without one. A use costs one store and moves nothing, unlike least-recently-used; and
//! names that are asked once, of which DNS has most, go before they displace those asked again, unlike
//! CLOCK. Each bit that the hand clears was set by one use: taking out is O(1) amortised.

mod key;
mod slots;

use super::response::{allocated, Answer};
use hashbrown::HashTable;
pub use key::{key, question_of};
use siphasher::sip::SipHasher13;
use slots::{Slot, Slots, NONE};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard};

/// RFC 8767 §5 suggests one to three days.
pub const MAX_STALE_S: f64 = 86_400.0;
/// Answers looked at for their age whenever one is put in.
const SWEPT_PER_PUT: usize = 2;
/// What an entry takes of the table at most: nine bytes a bucket, of which 7/24 or more are in use.
const TABLE_BYTES: usize = 32;

/// A cache that several threads share. One that a thread left in the middle of a change is emptied.
pub fn locked(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(|poisoned| {
        let mut cache_ = poisoned.into_inner();
        cache_.clear();
        cache.clear_poison();
        cache_
    })
}

/// Who judged an answer, and how it came out, in the judge's own numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// The generation that judged; 0: nobody yet.
    pub serial: u32,
    pub label: u32,
    /// For whose clients: what passes for one profile may be stopped for another.
    pub profile: u32,
}

impl Judged {
    /// The profile of what is on no list at all.
    pub const FOR_EVERY_PROFILE: u32 = u32::MAX;

    /// Whether this is what a generation says to the clients of a profile.
    pub fn holds(&self, serial: u32, profile: u32) -> bool {
        self.serial == serial
            && (self.profile == Self::FOR_EVERY_PROFILE || self.profile == profile)
    }
}

/// A fresh answer.
#[derive(Debug)]
pub struct Hit<'a> {
    pub answer: &'a Arc<Answer>,
    pub age_s: u32,
    pub judged: &'a mut Judged,
}

/// Keyed by chance: nobody can choose names that collide.
pub struct Cache {
    max_bytes: usize,
    used_bytes: usize,
    hasher: SipHasher13,
    places: HashTable<Place>,
    slots: Slots,
    newest: u32,
    oldest: u32,
    /// Where SIEVE goes on; `NONE`: at the oldest.
    hand: u32,
    /// Where the look for answers that are too old goes on.
    swept: usize,
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

impl Cache {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            used_bytes: 0,
            hasher: SipHasher13::new_with_keys(by_chance(), by_chance()),
            places: HashTable::new(),
            slots: Slots::default(),
            newest: NONE,
            oldest: NONE,
            hand: NONE,
            swept: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory in use, never above the bound. Not counted: at most one piece of the slots, and what the
    /// heap cannot use again after the sizes of answers have changed (a third at the most, when measured).
    pub fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// The answer if it is fresh; counts as a use.
    pub fn get(&mut self, key: &[u8], now_s: f64) -> Option<Hit<'_>> {
        let slot = self.find(key)?;
        let slot = self.slots.at_mut(slot);
        let age_s = now_s - slot.stored_at_s;
        if age_s >= f64::from(slot.lifetime_s) {
            return None;
        }
        slot.used = true;
        Some(Hit {
            answer: &slot.answer,
            age_s: whole_seconds(age_s),
            judged: &mut slot.judged,
        })
    }

    /// The conclusive answer, if it is fresh or expired less than a day ago.
    pub fn stale(&self, key: &[u8], now_s: f64) -> Option<&Arc<Answer>> {
        let slot = self.slots.at(self.find(key)?);
        (slot.answer.conclusive() && !slot.is_too_old(now_s)).then_some(&slot.answer)
    }

    /// Keeps `answer`, making room; one that may not be kept or is larger than the cache is not.
    ///
    /// Nor is a failure where an older answer can still serve.
    pub fn put(&mut self, key: &[u8], answer: Arc<Answer>, judged: Judged, now_s: f64) {
        if !answer.conclusive() && self.stale(key, now_s).is_some() {
            return;
        }
        let cost = cost_bytes(key, &answer);
        if answer.lifetime_s == 0 || cost > self.max_bytes {
            return;
        }
        let known = self.find(key);
        if let Some(slot) = known {
            self.remove(slot);
        }
        self.sweep(now_s);
        while self.used_bytes + cost > self.max_bytes {
            self.evict(now_s);
        }
        self.used_bytes += cost;
        self.insert(Slot {
            key: key.into(),
            lifetime_s: answer.lifetime_s,
            answer,
            stored_at_s: now_s,
            judged,
            hash: self.hash(key),
            newer: NONE,
            older: self.newest,
            // Who is asked for again after expiry is in use.
            used: known.is_some(),
        });
    }

    /// The answer however old, without counting as a use.
    pub fn peek(&self, key: &[u8]) -> Option<&Arc<Answer>> {
        Some(&self.slots.at(self.find(key)?).answer)
    }

    /// Forgets one answer, if it is there.
    pub fn forget(&mut self, key: &[u8]) {
        if let Some(slot) = self.find(key) {
            self.remove(slot);
        }
    }

    /// The keys of all that is kept.
    pub fn keys(&self) -> Vec<Box<[u8]>> {
        self.before(usize::MAX, usize::MAX)
            .map(|(key, _)| key.into())
            .collect()
    }

    /// At most `count` keys and answers, those before place `end`, last one first.
    ///
    /// To see all in steps, begin with `end` at `len()` and make it smaller by `count` each time: what is
    /// forgotten meanwhile moves only what was seen already, or what came later.
    pub fn before(&self, end: usize, count: usize) -> impl Iterator<Item = (&[u8], &Arc<Answer>)> {
        let end = end.min(self.slots.len());
        (end.saturating_sub(count)..end).rev().map(|place| {
            let slot = self.slots.at(place as u32);
            (&*slot.key, &slot.answer)
        })
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash(key) as u32
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hash(key);
        let same = |place: &Place| place.hash == hash && *self.slots.at(place.slot).key == *key;
        Some(self.places.find(spread(hash), same)?.slot)
    }

    /// Puts a slot at the newest end.
    fn insert(&mut self, slot: Slot) {
        let number = self.slots.len() as u32;
        let hash = slot.hash;
        self.slots.push(slot);
        match self.newest {
            NONE => self.oldest = number,
            newest => self.slots.at_mut(newest).newer = number,
        }
        self.newest = number;
        let place = Place { hash, slot: number };
        self.places.insert_unique(spread(hash), place, Place::hash);
    }

    fn remove(&mut self, number: u32) {
        let (hash, newer, older) = {
            let slot = self.slots.at(number);
            self.used_bytes -= cost_bytes(&slot.key, &slot.answer);
            (slot.hash, slot.newer, slot.older)
        };
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
        let (hash, newer, older) = {
            let slot = self.slots.at(from);
            (slot.hash, slot.newer, slot.older)
        };
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

    /// Takes out the first answer from the hand on that was not used since the hand came by. One that
    /// has expired goes in any case: had it been asked for, it had been renewed.
    fn evict(&mut self, now_s: f64) {
        let mut number = self.hand;
        loop {
            if number == NONE {
                number = self.oldest;
            }
            let slot = self.slots.at_mut(number);
            if !slot.used || slot.is_expired(now_s) {
                self.hand = number;
                return self.remove(number);
            }
            slot.used = false;
            number = slot.newer;
        }
    }

    /// Looks at the next few answers and forgets those that can serve nobody any more.
    fn sweep(&mut self, now_s: f64) {
        for _ in 0..SWEPT_PER_PUT {
            if self.is_empty() {
                return;
            }
            if self.swept >= self.slots.len() {
                self.swept = 0;
            }
            if self.slots.at(self.swept as u32).is_too_old(now_s) {
                self.remove(self.swept as u32);
            } else {
                self.swept += 1;
            }
        }
    }
}

/// Half a key from the system's randomness.
fn by_chance() -> u64 {
    RandomState::new().hash_one(())
}

fn cost_bytes(key: &[u8], answer: &Answer) -> usize {
    size_of::<Slot>() + TABLE_BYTES + allocated(key.len()) + answer.cost_bytes()
}

#[allow(clippy::cast_sign_loss)] // saturates: a clock that goes backwards makes nothing older
fn whole_seconds(age_s: f64) -> u32 {
    age_s as u32
}

#[cfg(test)]
mod tests;
