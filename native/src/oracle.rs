//! What one client network may learn of confidential lists by asking: so many entries in a window.
//!
//! Every answer that stops something tells that it is listed. Who asks a dictionary through would have the
//! list in the end. So a network that was told of `budget` different entries is told nothing more until the
//! window ends: whoever answers then refuses whatever it asks, alike, before looking anything up.
//!
//! Several processes answer (the resolver's workers, the proxy, the page), so they count in one region of
//! memory: in memory only, and without a lock. None of them stands still, or falls, because of another: what
//! the region holds is compared and counted, and never says where to look or how long.

mod budgets;
mod crowd;
mod memory;
mod place;
mod region;
#[cfg(test)]
mod tests;
mod turn;

pub use budgets::{Budgets, Counts};
pub use region::{Region, Shape, MOST_BUDGET};

use crate::dns::limits::network;
use siphasher::sip::SipHasher13;
use std::io;
use std::net::IpAddr;
use std::os::fd::RawFd;

/// Gives a fresh secret for each window.
pub type Salts = Box<dyn Fn() -> [u64; 2] + Send + Sync>;

/// How often what another process got in the way of is tried again.
const TRIES: usize = 16;

/// The budgets of all client networks, shared by whoever answers, in this process and in others.
///
/// A client network is that of the response rate limit: an IPv4 /24 or an IPv6 /56. It is known by its
/// `account`, a keyed hash that is worth nothing to anybody else.
pub struct Oracle {
    budgets: Budgets,
    accounts: SipHasher13,
}

impl Oracle {
    /// `budget` entries in `window_s` seconds, for this process and those that it forks; 0: no limit.
    pub fn new(budget: usize, window_s: f64, salts: Salts) -> io::Result<Self> {
        let region = Region::own(Shape::new(budget, window_s), salts())?;
        Ok(Self::over(region, salts))
    }

    /// The same, for those too that are handed its descriptor.
    pub fn shared(budget: usize, window_s: f64, salts: Salts) -> io::Result<Self> {
        let region = Region::to_hand_on(Shape::new(budget, window_s), salts())?;
        Ok(Self::over(region, salts))
    }

    /// The one whose descriptor this process was handed; `InvalidData` where it counts something else.
    pub fn joined(
        descriptor: RawFd,
        budget: usize,
        window_s: f64,
        salts: Salts,
    ) -> io::Result<Self> {
        let region = Region::handed_on(descriptor, Shape::new(budget, window_s))?;
        Ok(Self::over(region, salts))
    }

    fn over(region: Region, salts: Salts) -> Self {
        let [a, b] = region.accounts;
        Self {
            budgets: Budgets::new(region, salts),
            accounts: SipHasher13::new_with_keys(a, b),
        }
    }

    /// What to hand on, of one that is `shared`.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.budgets.region().descriptor()
    }

    pub fn account(&self, client: IpAddr) -> u64 {
        self.accounts.hash(&network(client).to_ne_bytes())
    }

    /// Whether some network may have spent its budget; "no" is certain. One load: all that a question costs
    /// as long as none has.
    pub fn any_spent(&self) -> bool {
        self.budgets.any_spent()
    }

    /// Whether a network has spent its budget, so that nothing more may be told. `now_s` is of the clock that
    /// all processes of a machine share (`CLOCK_MONOTONIC`).
    pub fn is_spent(&self, account: u64, now_s: f64) -> bool {
        self.budgets.is_spent(account, now_s)
    }

    /// Whether a network may be told that the entry of this `key` is listed; that is counted.
    pub fn tell(&self, account: u64, key: u64, now_s: f64) -> bool {
        self.budgets.tell(account, key, now_s)
    }

    /// What this process has seen happen since the last time: each event is seen by one.
    pub fn collect(&self) -> Counts {
        self.budgets.collect()
    }
}
