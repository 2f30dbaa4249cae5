//! What one client network may learn of confidential lists by asking: so many entries in a window.
//!
//! Every answer that stops something tells that it is listed. Who asks a dictionary through would have the
//! list in the end. So a network that was told of `budget` different entries is told nothing more until the
//! window ends: whoever answers then refuses whatever it asks, alike, before looking anything up.

mod budgets;
#[cfg(test)]
mod tests;

pub use budgets::{Budgets, Counts};

use crate::dns::limits::network;
use siphasher::sip::SipHasher13;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Gives a fresh secret for each window.
pub type Salts = Box<dyn FnMut() -> [u64; 2] + Send>;

/// The budgets of all client networks, shared by whoever answers in this process.
///
/// A client network is that of the response rate limit: an IPv4 /24 or an IPv6 /56. It is known by its
/// `account`, a keyed hash that is worth nothing outside this process.
pub struct Oracle {
    /// Whether any network has spent its budget: all that a question costs as long as none has.
    any_spent: AtomicBool,
    budgets: Mutex<Budgets>,
    accounts: SipHasher13,
}

impl Oracle {
    /// `budget` entries in `window_s` seconds; 0: no limit.
    pub fn new(budget: usize, window_s: f64, mut salts: Salts) -> Self {
        let [a, b] = salts();
        Self {
            any_spent: AtomicBool::new(false),
            budgets: Mutex::new(Budgets::new(budget, window_s, salts)),
            accounts: SipHasher13::new_with_keys(a, b),
        }
    }

    pub fn account(&self, client: IpAddr) -> u64 {
        self.accounts.hash(&network(client).to_ne_bytes())
    }

    /// Whether some network may have spent its budget; "no" is certain.
    pub fn any_spent(&self) -> bool {
        self.any_spent.load(Ordering::Relaxed)
    }

    /// Whether a network has spent its budget, so that nothing more may be told. `now_s` is monotonic.
    pub fn is_spent(&self, account: u64, now_s: f64) -> bool {
        if !self.any_spent() {
            return false;
        }
        let mut budgets = self.lock();
        let spent = budgets.is_spent(account, now_s);
        self.note(&budgets);
        spent
    }

    /// Whether a network may be told that the entry of this `key` is listed; that is counted.
    pub fn tell(&self, account: u64, key: u64, now_s: f64) -> bool {
        let mut budgets = self.lock();
        let told = budgets.tell(account, key, now_s);
        self.note(&budgets);
        told
    }

    /// What was counted since the last time.
    pub fn collect(&self) -> Counts {
        self.lock().collect()
    }

    fn note(&self, budgets: &Budgets) {
        self.any_spent.store(budgets.any_spent(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Budgets> {
        // Counts and flags: what a panic left behind is whole enough.
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
