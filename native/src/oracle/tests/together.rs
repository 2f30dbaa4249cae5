//! Several processes, as far as the region can tell: each has a mapping of its own, and another salt to draw.

use super::*;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};

const PROCESSES: u64 = 4;

/// Oracles over one region, each with randomness of its own.
fn sharing(count: u64, budget: usize) -> Vec<Oracle> {
    let first = Oracle::shared(budget, 60.0, salts()).unwrap();
    let descriptor = first.descriptor().unwrap();
    let others = (1..count).map(|number| {
        let draw = salts();
        let own = Box::new(move || draw().map(|word| word ^ (number << 40)));
        Oracle::joined(descriptor, budget, 60.0, own).unwrap()
    });
    let others: Vec<_> = others.collect();
    std::iter::once(first).chain(others).collect()
}

/// What each of them says, begun at the same time.
fn at_once<T: Send>(oracles: &[Oracle], ask: impl Fn(u64, &Oracle) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(oracles.len());
    let (ask, start) = (&ask, &start);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..)
            .zip(oracles)
            .map(|(number, oracle)| {
                scope.spawn(move || {
                    start.wait();
                    ask(number, oracle)
                })
            })
            .collect();
        let said = asking.into_iter().map(|asking| asking.join().unwrap());
        said.collect()
    })
}

fn learned(
    oracle: &Oracle,
    account: u64,
    keys: impl Iterator<Item = u64>,
    now_s: f64,
) -> HashSet<u64> {
    keys.filter(|&key| !oracle.is_spent(account, now_s) && oracle.tell(account, key, now_s))
        .collect()
}

fn spent_and_crowded(oracles: &[Oracle]) -> (u64, u64) {
    let counts = oracles.iter().map(Oracle::collect);
    counts.fold((0, 0), |(spent, crowded), counts| {
        (spent + counts.spent, crowded + counts.crowded)
    })
}

#[test]
fn what_one_has_told_the_others_know() {
    let oracles = sharing(PROCESSES, 3);
    let client = "192.0.2.1".parse().unwrap();
    let account = oracles[0].account(client);
    for (key, oracle) in (0..3).zip(&oracles) {
        assert_eq!(oracle.account(client), account);
        assert!(!oracle.any_spent());
        assert!(oracle.tell(account, 0, 0.0));
        assert!(oracle.tell(account, key, 0.0));
    }
    for oracle in &oracles {
        assert!(oracle.any_spent());
        assert!(oracle.is_spent(account, 0.0));
        assert!(!oracle.tell(account, 0, 0.0));
    }
    assert_eq!(spent_and_crowded(&oracles), (1, 0));
}

#[test]
fn together_they_tell_exactly_the_budget_of_what_nobody_asks_twice() {
    for round in 0..50 {
        let oracles = sharing(PROCESSES, 100);
        let found = at_once(&oracles, |number, oracle| {
            learned(
                oracle,
                round,
                (0..1000).map(|key| key * PROCESSES + number),
                0.0,
            )
        });
        assert_eq!(found.iter().map(HashSet::len).sum::<usize>(), 100);
        assert!(oracles.iter().all(|oracle| oracle.is_spent(round, 0.0)));
        assert_eq!(spent_and_crowded(&oracles), (1, 0));
    }
}

#[test]
fn what_all_of_them_tell_at_once_counts_once() {
    for round in 0..50 {
        let oracles = sharing(PROCESSES, 1010);
        // The same order, so that they meet at each key.
        let found = at_once(&oracles, |_, oracle| learned(oracle, round, 0..1000, 0.0));
        assert!(found.iter().all(|one| one.len() == 1000));
        assert!(!oracles[0].any_spent());
        assert_eq!(told(&oracles[0], round, 1000..2000, 0.0), 10);
        assert!(oracles[1].is_spent(round, 0.0));
    }
}

#[test]
fn at_the_end_of_a_budget_no_more_than_it_is_learnt_whoever_else_asks_for_the_same() {
    for round in 0..200 {
        let oracles = sharing(PROCESSES, 10);
        let found = at_once(&oracles, |number, oracle| {
            learned(oracle, round, (0..12).map(|key| (key + number) % 12), 0.0)
        });
        let all: HashSet<u64> = found.into_iter().flatten().collect();
        // One that was counted twice for a moment may have had another refused: it can be asked for again.
        let rest = learned(&oracles[0], round, 100..200, 0.0);
        assert_eq!(all.len() + rest.len(), 10);
    }
}

#[test]
fn a_flood_of_networks_through_all_of_them_forgets_nobody_who_was_told_of_much() {
    let oracles = sharing(PROCESSES, 50);
    assert_eq!(told(&oracles[0], 1, 0..60, 0.0), 50);
    assert_eq!(told(&oracles[1], 2, 0..49, 0.0), 49);
    at_once(&oracles, |number, oracle| {
        for account in 1000..100_000 {
            assert!(oracle.tell(account * PROCESSES + number, 7, 0.0));
        }
    });
    assert!(oracles[2].is_spent(1, 0.0));
    assert_eq!(told(&oracles[3], 2, 100..200, 0.0), 1);
}

#[test]
fn at_a_turn_all_of_them_have_one_salt_at_once() {
    let oracles = sharing(PROCESSES, 64);
    for window in 1..500 {
        let now_s = f64::from(window) * 60.0;
        let found = at_once(&oracles, |number, oracle| {
            // All but the first still see the window before when they begin.
            let lag_s = if number == 0 { 0.0 } else { 1e-3 };
            let mut told = HashSet::new();
            for key in 0..200 {
                let key = key * PROCESSES + number;
                let at_s = if key < 40 { now_s - lag_s } else { now_s };
                if oracle.tell(7, key, at_s) {
                    told.insert((at_s >= now_s, key));
                }
            }
            told
        });
        let new = found.iter().flatten().filter(|(new, _)| *new).count();
        assert!(new <= 64, "{new} in window {window}");
        assert!(oracles.iter().all(|oracle| oracle.is_spent(7, now_s)));
    }
}

#[test]
fn the_secret_of_a_window_is_gone_when_the_next_begins() {
    let oracles = sharing(2, 5);
    let secret = |oracle: &Oracle| {
        let region = oracle.budgets.region();
        region.salt().map(|half| half.load(Ordering::Acquire))
    };
    assert!(oracles[0].tell(1, 7, 0.0));
    let first = secret(&oracles[0]);
    assert!(oracles[1].tell(1, 7, 59.0));
    assert_eq!(secret(&oracles[1]), first);
    assert!(oracles[1].tell(1, 7, 60.0));
    let second = secret(&oracles[0]);
    assert!(first.iter().all(|half| !second.contains(half)));
    let words = oracles[0].budgets.region().words();
    for half in first {
        assert!(words
            .iter()
            .all(|word| word.load(Ordering::Acquire) != half));
    }
}

#[test]
fn a_region_that_counts_something_else_is_not_joined() {
    let shared = Oracle::shared(100, 60.0, salts()).unwrap();
    let descriptor = shared.descriptor().unwrap();
    let kind = |budget, window_s| {
        Oracle::joined(descriptor, budget, window_s, salts())
            .err()
            .map(|error| error.kind())
    };
    assert_eq!(kind(100, 60.0), None);
    let unfit = Some(io::ErrorKind::InvalidData);
    assert_eq!(kind(101, 60.0), unfit);
    assert_eq!(kind(100, 61.0), unfit);
    // As if by a version that keeps the same in another way.
    shared.budgets.region().words()[8].fetch_add(1, Ordering::AcqRel);
    assert_eq!(kind(100, 60.0), unfit);
}

#[test]
fn what_is_no_region_is_not_joined() {
    let file = File::open("/dev/null").unwrap();
    for descriptor in [-1, 1 << 20, file.as_raw_fd()] {
        assert!(Oracle::joined(descriptor, 100, 60.0, salts()).is_err());
    }
}

#[test]
fn memory_that_could_shrink_is_not_joined() {
    // SAFETY: the name ends with its zero.
    let descriptor = unsafe { libc::memfd_create(c"other".as_ptr(), libc::MFD_ALLOW_SEALING) };
    // SAFETY: it was opened just now, for nobody else.
    let file = unsafe { File::from_raw_fd(descriptor) };
    let shared = Oracle::shared(0, 60.0, salts()).unwrap();
    let bytes = shared.budgets.region().words().len() * 8;
    file.set_len(bytes as u64).unwrap();
    let joined = Oracle::joined(descriptor, 0, 60.0, salts());
    assert_eq!(joined.err().unwrap().kind(), io::ErrorKind::InvalidData);
}
