use super::*;

const LARGE: usize = 1 << 20;

fn asked(number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    key(
        &[&[4], &number.to_be_bytes()[..], &[0]].concat(),
        1,
        false,
        false,
        &mut out,
    );
    out
}

fn answer(rcode: u16, lifetime_s: u32, body: usize) -> Arc<Answer> {
    Arc::new(Answer {
        rcode,
        lifetime_s,
        body: vec![7; body].into(),
        ttls: [(6, lifetime_s)].into(),
        ..Answer::default()
    })
}

fn put(cache: &mut Cache, number: u32, lifetime_s: u32, now_s: f64) {
    cache.put(
        &asked(number),
        answer(0, lifetime_s, 16),
        Judged::default(),
        now_s,
    );
}

fn consistent(cache: &Cache) {
    let cost_of = |slot: &Slot| cost_bytes(&slot.key, &slot.kept.answer);
    let cost: usize = cache.sieve.whole().into_iter().map(cost_of).sum();
    assert_eq!(cache.used_bytes(), cost);
    assert!(cache.used_bytes() <= cache.max_bytes);
}

#[test]
fn an_answer_is_kept_for_its_lifetime_and_tells_its_age_and_its_judge() {
    let mut cache = Cache::new(LARGE);
    put(&mut cache, 1, 60, 100.0);
    let hit = cache.get(&asked(1), 159.5).unwrap();
    assert_eq!((hit.age_s, *hit.judged), (59, Judged::default()));
    let judged = Judged {
        serial: 3,
        label: 9,
        profile: 2,
    };
    *hit.judged = judged;
    assert_eq!(*cache.get(&asked(1), 90.0).unwrap().judged, judged);
    assert_eq!(cache.get(&asked(1), 90.0).unwrap().age_s, 0);
    assert!(cache.get(&asked(1), 160.0).is_none());
    assert!(cache.get(&asked(2), 100.0).is_none());
    assert!(cache.peek(&asked(1)).is_some());
}

#[test]
fn an_expired_answer_serves_for_a_day_when_nothing_else_does() {
    let mut cache = Cache::new(LARGE);
    put(&mut cache, 1, 60, 0.0);
    assert!(cache.stale(&asked(1), 59.0 + MAX_STALE_S).is_some());
    assert!(cache.stale(&asked(1), 60.0 + MAX_STALE_S).is_none());
    put(&mut cache, 2, 60, 60.0 + MAX_STALE_S);
    assert!(
        cache.peek(&asked(1)).is_none(),
        "and then it goes by itself"
    );
    consistent(&cache);
}

#[test]
fn a_failure_takes_the_place_of_no_answer_that_can_serve() {
    let mut cache = Cache::new(LARGE);
    let fail =
        |cache: &mut Cache, now_s| cache.put(&asked(1), answer(2, 1, 0), Judged::default(), now_s);
    fail(&mut cache, 0.0);
    assert!(cache.get(&asked(1), 0.5).is_some());
    assert!(cache.stale(&asked(1), 0.5).is_none());
    put(&mut cache, 1, 60, 1.0);
    fail(&mut cache, 100.0);
    assert_eq!(cache.peek(&asked(1)).unwrap().rcode, 0);
    fail(&mut cache, 100.0 + MAX_STALE_S);
    assert_eq!(cache.peek(&asked(1)).unwrap().rcode, 2);
}

#[test]
fn what_may_not_be_kept_is_not() {
    let mut cache = Cache::new(10_000);
    cache.put(&asked(1), answer(0, 0, 16), Judged::default(), 0.0);
    cache.put(&asked(2), answer(0, 60, 10_000), Judged::default(), 0.0);
    assert!(cache.is_empty());
    assert_eq!(cache.used_bytes(), 0);
}

#[test]
fn what_was_used_since_the_hand_came_by_stays() {
    let one = cost_bytes(&asked(0), &answer(0, 60, 16));
    let mut cache = Cache::new(3 * one);
    for number in 0..3 {
        put(&mut cache, number, 60, 0.0);
    }
    cache.get(&asked(0), 1.0);
    put(&mut cache, 3, 60, 1.0);
    let kept = |cache: &Cache| -> Vec<u32> {
        (0..6)
            .filter(|&n| cache.peek(&asked(n)).is_some())
            .collect()
    };
    assert_eq!(kept(&cache), [0, 2, 3]);
    put(&mut cache, 4, 60, 1.0);
    assert_eq!(kept(&cache), [0, 3, 4], "the hand goes on where it was");
    for number in [0, 3, 4] {
        assert!(cache.get(&asked(number), 1.0).is_some());
    }
    put(&mut cache, 5, 60, 60.5);
    assert_eq!(
        kept(&cache),
        [3, 4, 5],
        "0 has expired: its bit does not save it"
    );
    consistent(&cache);
}

#[test]
fn one_pass_of_names_asked_once_leaves_what_is_asked_again() {
    let one = cost_bytes(&asked(0), &answer(0, 60, 16));
    let mut cache = Cache::new(200 * one);
    for number in 0..100 {
        put(&mut cache, number, 60, 0.0);
        cache.get(&asked(number), 0.0);
    }
    for number in 1000..9000 {
        put(&mut cache, number, 60, 0.0);
        cache.get(&asked(number % 100), 0.0);
    }
    assert!((0..100).all(|number| cache.peek(&asked(number)).is_some()));
}

#[test]
fn a_judgement_holds_for_its_generation_and_profile_or_for_every_profile() {
    let judged = |profile| Judged {
        serial: 3,
        label: 9,
        profile,
    };
    assert!(judged(2).holds(3, 2));
    assert!(!judged(2).holds(4, 2) && !judged(2).holds(3, 0) && !judged(0).holds(3, 2));
    let unlisted = judged(Judged::FOR_EVERY_PROFILE);
    assert!(unlisted.holds(3, 0) && unlisted.holds(3, 7) && !unlisted.holds(4, 0));
}

#[test]
fn replacing_dropping_and_clearing_give_the_room_back() {
    let mut cache = Cache::new(LARGE);
    cache.put(&asked(1), answer(0, 60, 500), Judged::default(), 0.0);
    let large = cache.used_bytes();
    put(&mut cache, 1, 60, 0.0);
    assert!(cache.used_bytes() < large && cache.len() == 1);
    cache.forget(&asked(1));
    cache.forget(&asked(1));
    assert_eq!(cache.used_bytes(), 0);
    put(&mut cache, 1, 60, 0.0);
    cache.clear();
    assert_eq!((cache.len(), cache.used_bytes()), (0, 0));
    consistent(&cache);
}

#[test]
fn keys_hold_all_of_the_question() {
    let mut out = b"old".to_vec();
    for (do_, cd) in [(false, false), (true, false), (false, true), (true, true)] {
        key(b"\x01a\0", 65, do_, cd, &mut out);
        assert_eq!(
            question_of(&out),
            Some((b"\x01a\0".as_slice(), 65, do_, cd))
        );
    }
    assert_eq!(question_of(b"\0\x01"), None);
}

#[test]
fn going_through_all_in_steps_misses_nothing_though_much_is_forgotten_meanwhile() {
    let mut cache = Cache::new(LARGE);
    for number in 0..100 {
        put(&mut cache, number, 60, 0.0);
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut end = cache.len();
    while end > 0 {
        let step: Vec<Box<[u8]>> = cache.before(end, 7).map(|(key, _)| key.into()).collect();
        end = end.saturating_sub(7);
        for (n, key) in step.into_iter().enumerate() {
            if n % 2 == 0 {
                cache.forget(&key);
            }
            seen.insert(key);
        }
        put(&mut cache, 1000 + end as u32, 60, 0.0);
    }
    assert!((0..100).all(|number| seen.contains(asked(number).as_slice())));
    assert_eq!(cache.keys().len(), cache.len());
    consistent(&cache);
}

#[test]
fn any_sequence_of_uses_leaves_the_cache_whole() {
    let mut state = 1_u64;
    let mut random = move |below: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        (state >> 33) as u32 % below
    };
    for max_bytes in [1000, 20_000, 3_000_000] {
        let mut cache = Cache::new(max_bytes);
        for step in 0..60_000 {
            let (number, now_s) = (random(8000), f64::from(step) * 20.0);
            match random(10) {
                0 => cache.forget(&asked(number)),
                1..=4 => {
                    let hit = cache
                        .get(&asked(number), now_s)
                        .map(|hit| hit.answer.lifetime_s);
                    assert!(hit.is_none_or(|lifetime_s| lifetime_s > 0));
                }
                5 => {
                    cache.stale(&asked(number), now_s);
                }
                _ => {
                    let answer = answer(
                        [0, 2, 3][random(3) as usize],
                        random(9000),
                        random(600) as usize,
                    );
                    cache.put(&asked(number), answer, Judged::default(), now_s);
                }
            }
            if step % 1000 == 0 {
                consistent(&cache);
            }
        }
        consistent(&cache);
    }
}
