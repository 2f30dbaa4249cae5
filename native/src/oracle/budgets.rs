//! The counting itself, over memory that other processes count in too.

use super::place::{spread, Place, Told};
use super::region::{Region, PLACES};
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
/// Memory is bounded: 32,768 networks, and fewer with budgets above 100, so that keys never take more
/// than 32 MiB. A network's set of eight places follows from a keyed hash, so nobody can choose networks that
/// share another's. A newcomer to a full set takes the place of the network that was told of the fewest
/// entries. So a network that comes with a thousand fresh ones forgets those, and not itself nor
/// anybody who has been told of much; and one that has spent its budget is not forgotten at all. Where
/// eight of a set have, a newcomer is not counted: to be refused for what others did would be worse. Both
/// are counted as `crowded`.
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
        let id = turn.id(account);
        self.present(id)
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
            let place = match self.place_of(turn.id(account), &turn) {
                Found::Place(place) => place,
                Found::Crowded => break,
                Found::Changed => continue,
            };
            let Some(told) = place.tell(turn.key(account, key), self.region.shape.budget as u64)
            else {
                continue;
            };
            if told == Told::Last {
                self.note_spent(turn.window);
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

    fn note_spent(&self, window: u64) {
        self.region
            .spent()
            .fetch_max(window.saturating_add(1), Ordering::AcqRel);
        self.window.store(window, Ordering::Relaxed);
        self.spent.fetch_add(1, Ordering::Release);
    }

    /// A network's place in its set. A newcomer takes a free one, or that of whoever was told of the fewest
    /// entries.
    fn place_of(&self, id: u64, turn: &Turn) -> Found<'_> {
        if let Some(place) = self.present(id) {
            return Found::Place(place);
        }
        let Some(choice) = self.choice(id, turn) else {
            return Found::Crowded;
        };
        // What looks free may be a place of the next window.
        if choice.found == id || !turn.lasts(&self.region) || !choice.take(id) {
            return Found::Changed;
        }
        self.crowded
            .fetch_add(u64::from(choice.is_taken), Ordering::Relaxed);
        // Of two that were taken for it at once the first counts.
        self.present(id).map_or(Found::Changed, Found::Place)
    }

    fn present(&self, id: u64) -> Option<Place<'_>> {
        let set = self.set(id);
        let mut ids = self.region.ids(set).iter();
        let place = ids.position(|found| found.load(Ordering::Acquire) == id)?;
        Some(Place::new(self.region.place(set, place), id))
    }

    /// The place for a newcomer, of what one look at the set shows: its own, if it has one by now; None where
    /// everybody has spent their budget.
    fn choice(&self, id: u64, turn: &Turn) -> Option<Choice<'_>> {
        let set = self.set(id);
        let places = (0..PLACES).map(|place| {
            let words = self.region.place(set, place);
            let found = words.id.load(Ordering::Acquire);
            let is_taken = turn.holds(found);
            let count = if is_taken {
                Place::new(words, found).count()
            } else {
                0
            };
            Choice {
                id: words.id,
                found,
                is_taken,
                count,
            }
        });
        places
            .filter(|choice| choice.found == id || choice.count < self.budget())
            .min_by_key(|choice| (choice.found != id, choice.is_taken, choice.count))
    }

    fn budget(&self) -> u64 {
        self.region.shape.budget as u64
    }

    fn set(&self, id: u64) -> usize {
        spread(id, self.region.shape.sets)
    }
}

/// A place that a newcomer may take, as it was found.
struct Choice<'a> {
    id: &'a AtomicU64,
    found: u64,
    is_taken: bool,
    count: u64,
}

impl Choice<'_> {
    /// Whether it still is as it was found, and so is the newcomer's now.
    fn take(&self, id: u64) -> bool {
        self.id
            .compare_exchange(self.found, id, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

enum Found<'a> {
    Place(Place<'a>),
    /// There is none: everybody in the set has spent their budget.
    Crowded,
    /// Somebody else was faster, or the window has passed.
    Changed,
}
