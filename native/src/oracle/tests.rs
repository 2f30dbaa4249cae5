use super::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

mod hostile;
mod together;

fn salts() -> Salts {
    let last = AtomicU64::new(1);
    Box::new(move || {
        let word = last.fetch_add(1, Ordering::Relaxed) << 20;
        [word + 1, word * 7 + 3].map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    })
}

fn oracle(budget: usize) -> Oracle {
    Oracle::new(budget, 60.0, salts()).unwrap()
}

/// How many of these keys an account is told of.
fn told(oracle: &Oracle, account: u64, keys: std::ops::Range<u64>, now_s: f64) -> usize {
    keys.filter(|&key| !oracle.is_spent(account, now_s) && oracle.tell(account, key, now_s))
        .count()
}

/// How many networks are told apart.
fn places(oracle: &Oracle) -> usize {
    oracle.budgets.region().shape.places()
}

#[test]
fn exactly_the_budget_is_told_and_then_nothing() {
    let oracle = oracle(5);
    assert_eq!(told(&oracle, 1, 0..4, 0.0), 4);
    assert!(!oracle.is_spent(1, 0.0));
    assert_eq!(told(&oracle, 1, 4..100, 0.0), 1);
    assert!(oracle.is_spent(1, 59.9));
    assert_eq!(told(&oracle, 1, 0..100, 59.9), 0);
    assert_eq!(oracle.collect().spent, 1);
    assert_eq!(oracle.collect(), Counts::default());
}

#[test]
fn the_refusal_begins_before_the_question_that_would_be_one_too_many() {
    let oracle = oracle(1);
    assert!(oracle.tell(1, 7, 0.0));
    assert!(oracle.is_spent(1, 0.0));
}

#[test]
fn one_entry_counts_once_however_often_it_is_asked_for() {
    let oracle = oracle(2);
    for _ in 0..1000 {
        assert!(oracle.tell(1, 7, 0.0));
    }
    assert!(!oracle.is_spent(1, 0.0));
}

#[test]
fn another_network_is_not_affected() {
    let oracle = oracle(3);
    assert_eq!(told(&oracle, 1, 0..9, 0.0), 3);
    assert!(!oracle.is_spent(2, 0.0));
    assert_eq!(told(&oracle, 2, 0..9, 0.0), 3);
}

#[test]
fn a_new_window_begins_anew_under_another_salt() {
    let oracle = oracle(3);
    assert_eq!(told(&oracle, 1, 0..9, 59.0), 3);
    assert_eq!(oracle.collect().window, 0);
    assert_eq!(told(&oracle, 1, 0..9, 60.0), 3);
    assert_eq!(oracle.collect().window, 1);
    assert_eq!(told(&oracle, 1, 0..9, 119.9), 0);
    assert_eq!(told(&oracle, 1, 0..9, 1e9), 3);
}

#[test]
fn a_clock_that_runs_back_brings_no_window_back() {
    let oracle = oracle(3);
    assert_eq!(told(&oracle, 1, 0..9, 600.0), 3);
    assert_eq!(told(&oracle, 1, 0..9, 30.0), 0);
    assert!(oracle.is_spent(1, 600.0));
}

#[test]
fn no_budget_is_no_limit() {
    let oracle = oracle(0);
    assert_eq!(told(&oracle, 1, 0..10_000, 0.0), 10_000);
    assert!(!oracle.any_spent());
    assert_eq!(places(&oracle), 0);
}

#[test]
fn a_flood_of_fresh_networks_makes_nobody_forget_what_they_were_told() {
    let oracle = oracle(50);
    assert_eq!(told(&oracle, 1, 0..60, 0.0), 50);
    assert_eq!(told(&oracle, 2, 0..49, 0.0), 49);
    for account in 1000..500_000 {
        assert!(oracle.tell(account, 7, 0.0));
    }
    assert!(oracle.is_spent(1, 0.0));
    assert_eq!(told(&oracle, 2, 100..200, 0.0), 1);
    let counts = oracle.collect();
    assert_eq!(counts.spent, 2);
    assert!(counts.crowded > 400_000);
}

#[test]
fn where_everybody_has_spent_theirs_a_newcomer_is_not_cut_off_and_it_is_counted() {
    let oracle = oracle(1);
    let networks = 8 * places(&oracle) as u64;
    for account in 0..networks {
        assert!(oracle.tell(account, 7, 0.0));
    }
    assert!(oracle.collect().crowded > 0);
    let spent = (0..networks).filter(|&account| oracle.is_spent(account, 0.0));
    assert!(spent.count() <= places(&oracle));
    let is_told = |account: &u64| oracle.tell(*account, 7, 0.0) && !oracle.is_spent(*account, 0.0);
    let late = (networks..2 * networks).find(is_told);
    assert!(late.is_some());
}

#[test]
fn the_keys_of_all_networks_take_a_bounded_room_whatever_the_budget() {
    for budget in [1, 99, 100, 101, 1000, 100_000, MOST_BUDGET, usize::MAX] {
        let shape = Shape::new(budget, 60.0);
        assert!((8..=32_768).contains(&shape.places()));
        assert!(shape.places() * shape.slots * 8 <= 32 << 20, "{budget}");
        assert!(shape.slots > shape.budget);
    }
}

#[test]
fn an_account_is_a_network_and_not_an_address() {
    let oracle = oracle(3);
    let account = |text: &str| oracle.account(text.parse().unwrap());
    assert_eq!(account("192.0.2.1"), account("::ffff:192.0.2.255"));
    assert_ne!(account("192.0.2.1"), account("192.0.3.1"));
    assert_eq!(account("2001:db8:0:aa00::1"), account("2001:db8:0:aaff::1"));
    assert_ne!(account("2001:db8:0:aa00::1"), account("2001:db8:0:ab00::1"));
}

#[test]
fn as_long_as_nobody_has_spent_theirs_that_is_all_there_is_to_ask() {
    let oracle = oracle(2);
    assert!(oracle.tell(1, 7, 0.0));
    assert!(!oracle.any_spent());
    assert!(oracle.tell(1, 8, 0.0));
    assert!(oracle.any_spent());
    assert!(oracle.is_spent(1, 0.0));
    assert!(!oracle.is_spent(1, 60.0));
    assert!(!oracle.any_spent());
}
