//! Which place a network has, and who is forgotten where there are too many.
//!
//! Memory is bounded: 32,768 networks, and fewer with budgets above 100, so that keys never take more
//! than 32 MiB. A network's set of eight places follows from a keyed hash, so nobody can choose networks that
//! share another's. A newcomer to a full set takes the place of the network that was told of the fewest
//! entries. So a network that comes with a thousand fresh ones forgets those, and not itself nor
//! anybody who has been told of much; and one that has spent its budget is not forgotten at all. Where
//! eight of a set have, a newcomer is not counted: to be refused for what others did would be worse.

use super::place::{spread, Place};
use super::region::{Region, PLACES};
use super::turn::Turn;
use std::sync::atomic::{AtomicU64, Ordering};

pub enum Found<'a> {
    Place(Place<'a>),
    /// The place of somebody who is forgotten now.
    Instead(Place<'a>),
    /// None: everybody in the set has spent their budget.
    Full,
    /// Somebody else was faster, or the window has passed: look again.
    Changed,
}

/// The place that a network has.
pub fn present(region: &Region, id: u64) -> Option<Place<'_>> {
    let set = spread(id, region.shape.sets);
    let mut ids = region.ids(set).iter();
    let place = ids.position(|found| found.load(Ordering::Acquire) == id)?;
    Some(Place::new(region.place(set, place), id))
}

/// The place that a network has, or takes as a newcomer.
pub fn place_of<'a>(region: &'a Region, id: u64, turn: &Turn) -> Found<'a> {
    if let Some(place) = present(region, id) {
        return Found::Place(place);
    }
    let Some(choice) = Choice::of(region, id, turn) else {
        return Found::Full;
    };
    // What looks free may be a place of the next window.
    if choice.found == id || !turn.lasts(region) || !choice.take(id) {
        return Found::Changed;
    }
    // Of two that were taken for it at once the first counts.
    match present(region, id) {
        None => Found::Changed,
        Some(place) if choice.is_taken => Found::Instead(place),
        Some(place) => Found::Place(place),
    }
}

/// A place that a newcomer may take, as it was found.
struct Choice<'a> {
    id: &'a AtomicU64,
    found: u64,
    is_taken: bool,
    count: u64,
}

impl<'a> Choice<'a> {
    /// A free place, or that of whoever was told of the fewest entries, or its own if it has one by now. One look
    /// at the set shows all: of two who look at once, the second finds what the first took.
    fn of(region: &'a Region, id: u64, turn: &Turn) -> Option<Self> {
        let set = spread(id, region.shape.sets);
        let places = (0..PLACES).map(|place| {
            let words = region.place(set, place);
            let found = words.id.load(Ordering::Acquire);
            let is_taken = turn.holds(found);
            let count = if is_taken {
                Place::new(words, found).count()
            } else {
                0
            };
            Self {
                id: words.id,
                found,
                is_taken,
                count,
            }
        });
        places
            .filter(|choice| choice.found == id || choice.count < region.shape.budget as u64)
            .min_by_key(|choice| (choice.found != id, choice.is_taken, choice.count))
    }

    /// Whether it still is as it was found, and so is the newcomer's now.
    fn take(&self, id: u64) -> bool {
        self.id
            .compare_exchange(self.found, id, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
