//! Answers kept for their lifetime, bounded in bytes. Pure: the clock is passed in.
//!
//! Expired answers stay until their room is needed, or for a day: they are what is left when no upstream
//! can be reached (RFC 8767). What is kept is never a decision: whoever takes an answer out looks at who
//! judged it, so an answer cannot outlive a listing.

mod judged;
mod key;
mod sieve;
mod slots;

use super::response::{allocated, Answer};
pub use judged::Judged;
pub use key::{key, question_of};
use sieve::{Sieve, TABLE_BYTES};
use slots::Slot;
use std::sync::{Arc, Mutex, MutexGuard};

/// RFC 8767 §5 suggests one to three days.
pub const MAX_STALE_S: f64 = 86_400.0;
/// Answers looked at for their age whenever one is put in.
const SWEPT_PER_PUT: usize = 2;

/// A cache that several threads share. One that a thread left in the middle of a change is emptied.
pub fn locked(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(|poisoned| {
        let mut cache_ = poisoned.into_inner();
        cache_.clear();
        cache.clear_poison();
        cache_
    })
}

/// A fresh answer.
#[derive(Debug)]
pub struct Hit<'a> {
    pub answer: &'a Arc<Answer>,
    pub age_s: u32,
    pub judged: &'a mut Judged,
}

/// An answer, since when it is here, and how it was judged.
struct Kept {
    answer: Arc<Answer>,
    stored_at_s: f64,
    judged: Judged,
    lifetime_s: u32,
}

impl Kept {
    fn is_expired(&self, now_s: f64) -> bool {
        now_s - self.stored_at_s >= f64::from(self.lifetime_s)
    }

    /// Not even good for when no upstream can be reached.
    fn is_too_old(&self, now_s: f64) -> bool {
        now_s - self.stored_at_s >= f64::from(self.lifetime_s) + MAX_STALE_S
    }
}

pub struct Cache {
    max_bytes: usize,
    used_bytes: usize,
    sieve: Sieve,
    /// Where the look for answers that are too old goes on.
    swept: usize,
}

impl Cache {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            used_bytes: 0,
            sieve: Sieve::default(),
            swept: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.sieve.len()
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
        let number = self.sieve.find(key)?;
        let slot = self.sieve.at_mut(number);
        if slot.kept.is_expired(now_s) {
            return None;
        }
        slot.used = true;
        Some(Hit {
            answer: &slot.kept.answer,
            age_s: whole_seconds(now_s - slot.kept.stored_at_s),
            judged: &mut slot.kept.judged,
        })
    }

    /// The conclusive answer, if it is fresh or expired less than a day ago.
    pub fn stale(&self, key: &[u8], now_s: f64) -> Option<&Arc<Answer>> {
        let kept = &self.sieve.at(self.sieve.find(key)?).kept;
        (kept.answer.conclusive() && !kept.is_too_old(now_s)).then_some(&kept.answer)
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
        let known = self.sieve.find(key);
        if let Some(number) = known {
            self.remove(number);
        }
        self.sweep(now_s);
        while self.used_bytes + cost > self.max_bytes {
            let number = self.sieve.first_to_go(now_s);
            self.remove(number);
        }
        self.used_bytes += cost;
        let kept = Kept {
            lifetime_s: answer.lifetime_s,
            answer,
            stored_at_s: now_s,
            judged,
        };
        // Who is asked for again after expiry is in use.
        self.sieve.insert(key, kept, known.is_some());
    }

    /// The answer however old, without counting as a use.
    pub fn peek(&self, key: &[u8]) -> Option<&Arc<Answer>> {
        Some(&self.sieve.at(self.sieve.find(key)?).kept.answer)
    }

    /// Forgets one answer, if it is there.
    pub fn forget(&mut self, key: &[u8]) {
        if let Some(number) = self.sieve.find(key) {
            self.remove(number);
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
        let end = end.min(self.len());
        (end.saturating_sub(count)..end).rev().map(|place| {
            let slot = self.sieve.at(place as u32);
            (&*slot.key, &slot.kept.answer)
        })
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    fn remove(&mut self, number: u32) {
        let slot = self.sieve.at(number);
        self.used_bytes -= cost_bytes(&slot.key, &slot.kept.answer);
        self.sieve.remove(number);
    }

    /// Looks at the next few answers and forgets those that can serve nobody any more.
    fn sweep(&mut self, now_s: f64) {
        for _ in 0..SWEPT_PER_PUT {
            if self.is_empty() {
                return;
            }
            if self.swept >= self.len() {
                self.swept = 0;
            }
            if self.sieve.at(self.swept as u32).kept.is_too_old(now_s) {
                self.remove(self.swept as u32);
            } else {
                self.swept += 1;
            }
        }
    }
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
