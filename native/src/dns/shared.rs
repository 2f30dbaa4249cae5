//! What the fast path's thread and Python share.

use crate::dns::cache::{locked, Cache};
use crate::dns::desk::{Desk, Now};
use crate::dns::handups::HandUps;
use crate::dns::path::Path;
use crate::dns::standing::Standing;
use crate::dns::tally::Tally;
use crate::dns::waiting::{monotonic_s, Bell};
use crate::oracle::Oracle;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

/// Locks are taken in the order of the fields, by `hold` or one alone, and held for one batch of packets
/// at most.
pub struct Shared {
    path: Mutex<Path>,
    standing: RwLock<Standing>,
    cache: Arc<Mutex<Cache>>,
    tally: Mutex<Tally>,
    /// Locks nothing.
    oracle: Arc<Oracle>,
    pub hand_ups: HandUps,
    /// The upstream that misses are sent to; `None`: Python asks.
    upstream: Mutex<Option<SocketAddr>>,
    /// The most that is sent by UDP, and asked for.
    pub payload_bytes: u16,
    /// How long an upstream is waited for before Python takes over.
    pub patience_s: f64,
    /// Wakes the thread.
    pub bell: Bell,
    stopping: AtomicBool,
}

impl Shared {
    pub fn new(
        path: Path,
        standing: Standing,
        cache: Arc<Mutex<Cache>>,
        oracle: Arc<Oracle>,
        patience_s: f64,
        key: [u64; 2],
    ) -> io::Result<Self> {
        Ok(Self {
            payload_bytes: path.payload_bytes(),
            path: Mutex::new(path),
            standing: RwLock::new(standing),
            cache,
            tally: Mutex::default(),
            oracle,
            hand_ups: HandUps::new(key)?,
            upstream: Mutex::new(None),
            patience_s,
            bell: Bell::new()?,
            stopping: AtomicBool::new(false),
        })
    }

    /// All that a packet needs.
    pub fn hold(&self) -> Held<'_> {
        Held {
            path: lock(&self.path),
            standing: self.standing(),
            cache: self.cache(),
            tally: self.tally(),
            oracle: &self.oracle,
        }
    }

    pub fn standing(&self) -> RwLockReadGuard<'_, Standing> {
        self.standing.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn standing_to_change(&self) -> RwLockWriteGuard<'_, Standing> {
        self.standing
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn cache(&self) -> MutexGuard<'_, Cache> {
        locked(&self.cache)
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub fn upstream(&self) -> Option<SocketAddr> {
        *lock(&self.upstream)
    }

    pub fn forward_to(&self, upstream: Option<SocketAddr>) {
        *lock(&self.upstream) = upstream;
        self.bell.ring();
    }

    /// Has the thread end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            steady_s: monotonic_s(),
            wall_s: since.map_or(0.0, |since| since.as_secs_f64()),
        }
    }
}

/// All that a packet needs, locked.
pub struct Held<'a> {
    path: MutexGuard<'a, Path>,
    standing: RwLockReadGuard<'a, Standing>,
    cache: MutexGuard<'a, Cache>,
    tally: MutexGuard<'a, Tally>,
    oracle: &'a Oracle,
}

impl Held<'_> {
    /// Who looks at packets, and with what, at a given time.
    pub fn desk(&mut self, now: Now) -> (&mut Path, Desk<'_>) {
        let desk = Desk {
            standing: &self.standing,
            cache: &mut self.cache,
            tally: &mut self.tally,
            oracle: self.oracle,
            now,
        };
        (&mut self.path, desk)
    }
}

/// What a panic left behind is whole enough: counts, working space, and an upstream's address.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
