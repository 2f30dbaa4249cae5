//! The counting itself, over memory that other processes count in too.

use super::crowd::{self, Found};
use super::place::Told;
use super::region::Region;
use super::turn::Turn;
use super::{Salts, TRIES};
use std::sync::atomic::{AtomicU64, Ordering};

/// What this process saw happen since it was last asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Networks that have spent their budget.
    pub spent: u64,
    /// Networks that were forgotten, or not counted, because too many others were told of entries.
    pub crowded: u64,
    /// In which window the last one spent its budget.
    pub window: u64,
}

/// What every client network was told of in this window, by all processes that share the region.
///
/// Networks and keys are kept as hashes under a secret that is new in each window: nothing here says
/// afterwards, or elsewhere, who was told what. When a window ends nothing is cleared: what is of another
/// window counts as empty.
///
/// There is no lock that a process which was killed, stopped or starved could hold. Where two get in each
/// other's way one tries again, so often and no more; where that is in vain the network is told and not counted.
pub struct Budgets {
    region: Region,
    salts: Salts,
    spent: AtomicU64,
    crowded: AtomicU64,
    window: AtomicU64,
}

impl Budgets {
    pub fn new(region: Region, salts: Salts) -> Self {
        Self {
            region,
            salts,
            spent: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            window: AtomicU64::new(0),
        }
    }

    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Whether a network may have spent its budget: one load.
    pub fn any_spent(&self) -> bool {
        self.region.spent().load(Ordering::Relaxed) != 0
    }

    pub fn is_spent(&self, account: u64, now_s: f64) -> bool {
        let spent = self.region.spent().load(Ordering::Acquire);
        if spent == 0 || self.budget() == 0 {
            return false;
        }
        let Some(turn) = Turn::at(now_s, &self.region, &self.salts) else {
            return false;
        };
        if spent <= turn.window {
            // Of a window that has passed. Where it was exchanged meanwhile, it is of the present one.
            let _ =
                self.region
                    .spent()
                    .compare_exchange(spent, 0, Ordering::AcqRel, Ordering::Relaxed);
            return false;
        }
        crowd::present(&self.region, turn.id(account))
            .is_some_and(|place| place.count() >= self.budget())
    }

    /// Whether a network may be told of an entry. With the last one of its budget it has spent it, so that
    /// the refusal of the next question says nothing about that question.
    pub fn tell(&self, account: u64, key: u64, now_s: f64) -> bool {
        if self.budget() == 0 {
            return true;
        }
        for _ in 0..TRIES {
            let Some(turn) = Turn::at(now_s, &self.region, &self.salts) else {
                break;
            };
            let place = match crowd::place_of(&self.region, turn.id(account), &turn) {
                Found::Place(place) => place,
                Found::Instead(place) => {
                    self.crowded.fetch_add(1, Ordering::Relaxed);
                    place
                }
                Found::Full => break,
                Found::Changed => continue,
            };
            let Some(told) = place.tell(turn.key(account, key), self.budget()) else {
                continue;
            };
            if matches!(told, Told::Last | Told::Nothing) {
                self.say_spent(turn.window, told == Told::Last);
            }
            return told != Told::Nothing;
        }
        self.crowded.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// What was counted since the last time.
    pub fn collect(&self) -> Counts {
        let spent = self.spent.swap(0, Ordering::Acquire);
        Counts {
            spent,
            crowded: self.crowded.swap(0, Ordering::Relaxed),
            window: match spent {
                0 => 0,
                _ => self.window.load(Ordering::Relaxed),
            },
        }
    }

    /// Has every question asked for first whether its network has spent its budget. Not only whoever told the
    /// last entry says so: he may have died before. Then only listed names would be refused, which tells them.
    fn say_spent(&self, window: u64, is_new: bool) {
        let behind = window.saturating_add(1);
        if self.region.spent().load(Ordering::Acquire) < behind {
            self.region.spent().fetch_max(behind, Ordering::AcqRel);
        }
        if is_new {
            self.window.store(window, Ordering::Relaxed);
            self.spent.fetch_add(1, Ordering::Release);
        }
    }

    fn budget(&self) -> u64 {
        self.region.shape.budget as u64
    }
}
