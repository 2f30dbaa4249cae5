//! The counting itself: pure, with the time and the randomness given.

use super::Salts;
use siphasher::sip::SipHasher13;
use std::mem;

const PLACES: usize = 8;
const MOST_SETS: usize = 4096;
/// Keys kept of all networks together: 32 MiB.
const MOST_KEYS: usize = 1 << 22;
const NOBODY: u64 = 0;

/// What happened since it was last asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Networks that have spent their budget.
    pub spent: u64,
    /// Networks that were forgotten, or not counted, because too many others were told of entries.
    pub crowded: u64,
    /// In which window the last one spent its budget.
    pub window: u64,
}

/// What every client network was told of in this window.
///
/// Networks and keys are kept as hashes under a secret that is new in each window, and all are forgotten when
/// it ends: nothing here says afterwards, or elsewhere, who was told what.
///
/// Memory is bounded: 32,768 networks, and fewer with budgets above 128, so that keys never take more
/// than 32 MiB. A network's set of eight places follows from a keyed hash, so nobody can choose networks that
/// share another's. A newcomer to a full set takes the place of the network that was told of the fewest
/// entries. So a network that comes with a thousand fresh ones forgets those, and not itself nor
/// anybody who has been told of much; and one that has spent its budget is not forgotten at all. Where
/// eight of a set have, a newcomer is not counted: to be refused for what others did would be worse. Both
/// are counted as `crowded`.
pub struct Budgets {
    budget: usize,
    window_s: f64,
    window: u64,
    salt: SipHasher13,
    salts: Salts,
    sets: Box<[[Network; PLACES]]>,
    any_spent: bool,
    counts: Counts,
}

#[derive(Default)]
struct Network {
    id: u64,
    spent: bool,
    /// Ascending; given up once the budget is spent.
    keys: Vec<u64>,
}

impl Budgets {
    /// `budget` 0: no limit.
    pub fn new(budget: usize, window_s: f64, mut salts: Salts) -> Self {
        let sets = match budget {
            0 => 0,
            _ => (MOST_KEYS / PLACES / budget).clamp(1, MOST_SETS),
        };
        Self {
            budget,
            window_s,
            window: 0,
            salt: hasher(salts()),
            salts,
            sets: (0..sets).map(|_| Default::default()).collect(),
            any_spent: false,
            counts: Counts::default(),
        }
    }

    pub fn any_spent(&self) -> bool {
        self.any_spent
    }

    /// How many networks are told apart.
    pub fn places(&self) -> usize {
        self.sets.len() * PLACES
    }

    pub fn is_spent(&mut self, account: u64, now_s: f64) -> bool {
        self.turn(now_s);
        if !self.any_spent {
            return false;
        }
        let id = self.id(account);
        let set = &self.sets[self.set_of(id)];
        set.iter().any(|network| network.id == id && network.spent)
    }

    /// Whether a network may be told of an entry. With the last one of its budget it has spent it, so that
    /// the refusal of the next question says nothing about that question.
    pub fn tell(&mut self, account: u64, key: u64, now_s: f64) -> bool {
        if self.budget == 0 {
            return true;
        }
        self.turn(now_s);
        let (id, key) = (self.id(account), self.key(account, key));
        let set = self.set_of(id);
        let set = &mut self.sets[set];
        let Some(place) = place_of(id, set, &mut self.counts) else {
            return true;
        };
        let network = &mut set[place];
        if network.spent {
            return false;
        }
        if network.learns(key, self.budget) {
            self.any_spent = true;
            self.counts.spent += 1;
            self.counts.window = self.window;
        }
        true
    }

    /// What was counted since the last time.
    pub fn collect(&mut self) -> Counts {
        mem::take(&mut self.counts)
    }

    /// Forgets everything when a new window has begun. Time that runs back changes nothing.
    fn turn(&mut self, now_s: f64) {
        let window = (now_s / self.window_s) as u64;
        if window <= self.window {
            return;
        }
        self.window = window;
        self.salt = hasher((self.salts)());
        self.any_spent = false;
        for network in self.sets.iter_mut().flatten() {
            *network = Network::default();
        }
    }

    fn id(&self, account: u64) -> u64 {
        self.salt.hash(&account.to_ne_bytes()).max(NOBODY + 1)
    }

    /// Spreads hashes over the sets, without a division.
    fn set_of(&self, id: u64) -> usize {
        ((u128::from(id) * self.sets.len() as u128) >> 64) as usize
    }

    fn key(&self, account: u64, key: u64) -> u64 {
        let both = u128::from(account) << 64 | u128::from(key);
        self.salt.hash(&both.to_ne_bytes())
    }
}

impl Network {
    /// Remembers a key; true when that has spent the budget.
    fn learns(&mut self, key: u64, budget: usize) -> bool {
        let Err(at) = self.keys.binary_search(&key) else {
            return false;
        };
        let known = self.keys.len();
        if known + 1 >= budget {
            self.spent = true;
            self.keys = Vec::new();
            return true;
        }
        if known == self.keys.capacity() {
            // Doubled, and never beyond what may come.
            self.keys.reserve_exact(known.max(4).min(budget - known));
        }
        self.keys.insert(at, key);
        false
    }
}

/// A network's place in its set; a newcomer takes a free one, or that of whoever was told of the fewest
/// entries. None where everybody has spent their budget.
fn place_of(id: u64, set: &mut [Network; PLACES], counts: &mut Counts) -> Option<usize> {
    if let Some(place) = set.iter().position(|network| network.id == id) {
        return Some(place);
    }
    let below = (0..PLACES).filter(|&place| !set[place].spent);
    let place = below.min_by_key(|&place| (set[place].id != NOBODY, set[place].keys.len()));
    counts.crowded += u64::from(place.is_none_or(|place| set[place].id != NOBODY));
    let place = place?;
    set[place] = Network {
        id,
        ..Network::default()
    };
    Some(place)
}

fn hasher([a, b]: [u64; 2]) -> SipHasher13 {
    SipHasher13::new_with_keys(a, b)
}
