//! What the fast path's thread and Python share.

use crate::dns::cache::Cache;
use crate::dns::desk::Now;
use crate::dns::handups::HandUps;
use crate::dns::path::Path;
use crate::dns::standing::Standing;
use crate::dns::tally::Tally;
use crate::dns::waiting::{monotonic_s, Bell};
use crate::oracle::Oracle;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// Locks are taken in the order of the fields, and held for one batch of packets at most.
pub struct Shared {
    pub path: Mutex<Path>,
    pub standing: RwLock<Standing>,
    pub cache: Arc<Mutex<Cache>>,
    pub tally: Mutex<Tally>,
    /// Locks itself, for one look.
    pub oracle: Arc<Oracle>,
    pub hand_ups: HandUps,
    /// The upstream that misses are sent to; `None`: Python asks.
    pub upstream: Mutex<Option<SocketAddr>>,
    /// How long an upstream is waited for before Python takes over.
    pub patience_s: f64,
    /// Wakes the thread.
    pub bell: Bell,
    pub stopping: AtomicBool,
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

    pub fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            steady_s: monotonic_s(),
            wall_s: since.map_or(0.0, |since| since.as_secs_f64()),
        }
    }
}

/// What a panic left behind is whole enough: counts, working space, and an upstream's address.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
