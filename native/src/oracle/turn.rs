//! Which window it is, and the secret that all processes hash with as long as it lasts.
//!
//! Each half of the secret says in its upper bits for which window it was drawn, and is exchanged once in a
//! window, by whoever needs it first: he who comes second finds his exchange refused and takes what he finds. So
//! all have the same secret from the first hash on, whoever dies at it, and the old one is gone: hashes that
//! were left from the window before are worth nothing.

use super::region::Region;
use super::{Salts, TRIES};
use siphasher::sip::SipHasher13;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of a hash, beside which a word has room for a mark of 16 bits.
pub const HASH_BITS: u32 = 48;
pub const HASH: u64 = (1 << HASH_BITS) - 1;

/// A window and its secret.
#[derive(Clone)]
pub struct Turn {
    pub window: u64,
    hasher: SipHasher13,
}

impl Turn {
    /// The one that is now. Time that runs back changes nothing. None: it changed meanwhile, again and again.
    pub fn at(now_s: f64, region: &Region, salts: &Salts) -> Option<Self> {
        let by_clock = (now_s / region.shape.window_s) as u64;
        (0..TRIES).find_map(|_| Self::of(by_clock, region, salts))
    }

    fn of(by_clock: u64, region: &Region, salts: &Salts) -> Option<Self> {
        let mut window = region.window().load(Ordering::Acquire);
        if window < by_clock {
            window = by_clock.max(region.window().fetch_max(by_clock, Ordering::AcqRel));
        }
        let [a, b] = region.salt();
        let a = half(a, window, region, || salts()[0])?;
        let b = half(b, window, region, || salts()[1])?;
        let hasher = SipHasher13::new_with_keys(a, b);
        Some(Self { window, hasher })
    }

    /// Whether it still is.
    pub fn lasts(&self, region: &Region) -> bool {
        region.window().load(Ordering::Acquire) == self.window
    }

    /// What a network is known by in this window, with the window in its upper bits; never 0.
    pub fn id(&self, account: u64) -> u64 {
        let hash = self.hasher.hash(&account.to_ne_bytes()) & HASH;
        mark(self.window) | hash.max(1)
    }

    /// Whether a place is of a network of this window.
    pub fn holds(&self, id: u64) -> bool {
        id != 0 && id & !HASH == mark(self.window)
    }

    /// What a key of a network is known by in this window: a hash without a mark.
    pub fn key(&self, account: u64, key: u64) -> u64 {
        let both = u128::from(account) << 64 | u128::from(key);
        self.hasher.hash(&both.to_ne_bytes()) & HASH
    }
}

/// A half of the secret of a window, drawn where there is none yet. None: the window has passed meanwhile.
fn half(word: &AtomicU64, window: u64, region: &Region, draw: impl Fn() -> u64) -> Option<u64> {
    let is_of_it = |half: u64| half & HASH != 0 && half & !HASH == mark(window);
    let found = word.load(Ordering::Acquire);
    if is_of_it(found) {
        return Some(found);
    }
    // Whoever draws for a window has made it the present one before. So where the present one still is ours,
    // what was found above is of an older one, and may be exchanged.
    if region.window().load(Ordering::Acquire) != window {
        return None;
    }
    let drawn = mark(window) | (draw() & HASH).max(1);
    match word.compare_exchange(found, drawn, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(drawn),
        Err(others) => is_of_it(others).then_some(others),
    }
}

fn mark(window: u64) -> u64 {
    window << HASH_BITS
}
