//! Whatever stands in the region: nobody falls, nobody stands still, and it is never looked at elsewhere.

use super::*;

/// A sequence of bits that is the same each time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn asks_everything(oracle: &Oracle, random: &mut Random) {
    for _ in 0..200 {
        let (account, key) = (random.next() % 32, random.next() % 32);
        let now_s = (random.next() % 1_000_000) as f64;
        oracle.any_spent();
        oracle.is_spent(account, now_s);
        oracle.tell(account, key, now_s);
    }
    for now_s in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX] {
        oracle.is_spent(1, now_s);
        oracle.tell(1, 1, now_s);
    }
    oracle.collect();
}

#[test]
fn garbage_everywhere_is_lived_with() {
    for seed in 1..40 {
        let mut random = Random(seed);
        let oracle = oracle([0, 1, 2, 100, 1000][seed as usize % 5]);
        for word in oracle.budgets.region().words() {
            word.store(random.next(), Ordering::Release);
        }
        asks_everything(&oracle, &mut random);
    }
}

#[test]
fn one_kind_of_garbage_everywhere_is_lived_with() {
    for garbage in [
        1,
        u64::MAX,
        u64::MAX >> 1,
        1 << 63,
        0xffff << 48,
        (1 << 24) - 1,
    ] {
        let oracle = oracle(100);
        for word in oracle.budgets.region().words() {
            word.store(garbage, Ordering::Release);
        }
        asks_everything(&oracle, &mut Random(7));
    }
}

#[test]
fn bits_that_turn_over_while_it_counts_are_lived_with() {
    let mut random = Random(2026);
    // Little room, so that many of them are in use.
    let oracle = oracle(50_000);
    for _ in 0..200 {
        let words = oracle.budgets.region().words();
        for word in &words[..48] {
            if random.next() % 8 == 0 {
                word.fetch_xor(1 << (random.next() % 64), Ordering::AcqRel);
            }
        }
        asks_everything(&oracle, &mut random);
    }
}

#[test]
fn garbage_that_is_written_while_others_ask_is_lived_with() {
    let oracle = Arc::new(oracle(5));
    let over = Arc::new(AtomicU64::new(0));
    let asking: Vec<_> = (1..3)
        .map(|seed| {
            let (oracle, over) = (Arc::clone(&oracle), Arc::clone(&over));
            thread::spawn(move || {
                let mut random = Random(seed);
                while over.load(Ordering::Acquire) == 0 {
                    asks_everything(&oracle, &mut random);
                }
            })
        })
        .collect();
    let mut random = Random(77);
    for _ in 0..20 {
        for word in &oracle.budgets.region().words()[..1000] {
            word.store(random.next(), Ordering::Release);
        }
    }
    over.store(1, Ordering::Release);
    for thread in asking {
        thread.join().unwrap();
    }
}

#[test]
fn after_what_a_process_left_half_done_the_others_count_on() {
    for half_done in 0..4 {
        let oracle = oracle(10);
        assert_eq!(told(&oracle, 1, 0..5, 0.0), 5);
        let region = oracle.budgets.region();
        let place = (0..region.shape.sets)
            .flat_map(|set| (0..8).map(move |place| (set, place)))
            .map(|(set, place)| region.place(set, place))
            .find(|words| words.id.load(Ordering::Acquire) != 0)
            .unwrap();
        match half_done {
            // It had taken the place of somebody who was told of much, and not yet said so in the state.
            0 => place.state.store(u64::MAX, Ordering::Release),
            // It had counted, and not yet kept the key.
            1 => drop(place.state.fetch_add(1, Ordering::AcqRel)),
            // It had drawn a half of the next secret.
            2 => region.salt()[0].store(1 << 48 | 5, Ordering::Release),
            // It had begun the next window, and not yet drawn a secret.
            _ => region.window().store(1, Ordering::Release),
        }
        let now_s = if half_done < 2 { 0.0 } else { 60.0 };
        let left = told(&oracle, 1, 100..200, now_s);
        assert_eq!(left, [10, 4, 10, 10][half_done], "{half_done}");
        assert!(oracle.is_spent(1, now_s));
    }
}

#[test]
fn a_budget_that_is_spent_refuses_everything_though_whoever_told_the_last_died_before_he_said_so() {
    let oracle = oracle(3);
    assert_eq!(told(&oracle, 1, 0..9, 0.0), 3);
    oracle.budgets.region().spent().store(0, Ordering::Release);
    assert!(!oracle.is_spent(1, 0.0));
    assert!(!oracle.tell(1, 7, 0.0));
    assert!(oracle.is_spent(1, 0.0));
    assert_eq!(oracle.collect().spent, 1);
}
