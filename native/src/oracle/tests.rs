use super::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

fn salts() -> Salts {
    let mut last = 1;
    Box::new(move || {
        last += 1;
        [last, last * 7]
    })
}

fn budgets(budget: usize) -> Budgets {
    Budgets::new(budget, 60.0, salts())
}

/// How many of these keys an account is told of.
fn told(budgets: &mut Budgets, account: u64, keys: std::ops::Range<u64>, now_s: f64) -> usize {
    keys.filter(|&key| !budgets.is_spent(account, now_s) && budgets.tell(account, key, now_s))
        .count()
}

#[test]
fn exactly_the_budget_is_told_and_then_nothing() {
    let mut budgets = budgets(5);
    assert_eq!(told(&mut budgets, 1, 0..4, 0.0), 4);
    assert!(!budgets.is_spent(1, 0.0));
    assert_eq!(told(&mut budgets, 1, 4..100, 0.0), 1);
    assert!(budgets.is_spent(1, 59.9));
    assert_eq!(told(&mut budgets, 1, 0..100, 59.9), 0);
    assert_eq!(budgets.collect().spent, 1);
    assert_eq!(budgets.collect(), Counts::default());
}

#[test]
fn the_refusal_begins_before_the_question_that_would_be_one_too_many() {
    let mut budgets = budgets(1);
    assert!(budgets.tell(1, 7, 0.0));
    assert!(budgets.is_spent(1, 0.0));
}

#[test]
fn one_entry_counts_once_however_often_it_is_asked_for() {
    let mut budgets = budgets(2);
    for _ in 0..1000 {
        assert!(budgets.tell(1, 7, 0.0));
    }
    assert!(!budgets.is_spent(1, 0.0));
}

#[test]
fn another_network_is_not_affected() {
    let mut budgets = budgets(3);
    assert_eq!(told(&mut budgets, 1, 0..9, 0.0), 3);
    assert!(!budgets.is_spent(2, 0.0));
    assert_eq!(told(&mut budgets, 2, 0..9, 0.0), 3);
}

#[test]
fn a_new_window_begins_anew_under_another_salt() {
    let mut budgets = budgets(3);
    assert_eq!(told(&mut budgets, 1, 0..9, 59.0), 3);
    assert_eq!(budgets.collect().window, 0);
    assert_eq!(told(&mut budgets, 1, 0..9, 60.0), 3);
    assert_eq!(budgets.collect().window, 1);
    assert_eq!(told(&mut budgets, 1, 0..9, 119.9), 0);
    assert_eq!(told(&mut budgets, 1, 0..9, 1e9), 3);
}

#[test]
fn a_clock_that_runs_back_brings_no_window_back() {
    let mut budgets = budgets(3);
    assert_eq!(told(&mut budgets, 1, 0..9, 600.0), 3);
    assert_eq!(told(&mut budgets, 1, 0..9, 30.0), 0);
    assert!(budgets.is_spent(1, 600.0));
}

#[test]
fn no_budget_is_no_limit() {
    let mut budgets = budgets(0);
    assert_eq!(told(&mut budgets, 1, 0..10_000, 0.0), 10_000);
    assert!(!budgets.any_spent());
    assert_eq!(budgets.places(), 0);
}

#[test]
fn a_flood_of_fresh_networks_makes_nobody_forget_what_they_were_told() {
    let mut budgets = budgets(50);
    assert_eq!(told(&mut budgets, 1, 0..60, 0.0), 50);
    assert_eq!(told(&mut budgets, 2, 0..49, 0.0), 49);
    for account in 1000..500_000 {
        assert!(budgets.tell(account, 7, 0.0));
    }
    assert!(budgets.is_spent(1, 0.0));
    assert_eq!(told(&mut budgets, 2, 100..200, 0.0), 1);
    let counts = budgets.collect();
    assert_eq!(counts.spent, 2);
    assert!(counts.crowded > 400_000);
}

#[test]
fn where_everybody_has_spent_theirs_a_newcomer_is_not_cut_off_and_it_is_counted() {
    let mut budgets = Budgets::new(1, 60.0, salts());
    let networks = 8 * budgets.places() as u64;
    for account in 0..networks {
        assert!(budgets.tell(account, 7, 0.0));
    }
    assert!(budgets.collect().crowded > 0);
    let spent = (0..networks).filter(|&account| budgets.is_spent(account, 0.0));
    assert!(spent.count() <= budgets.places());
    let is_told =
        |account: &u64| budgets.tell(*account, 7, 0.0) && !budgets.is_spent(*account, 0.0);
    let late = (networks..2 * networks).find(is_told);
    assert!(late.is_some());
}

#[test]
fn the_keys_of_all_networks_take_a_bounded_room_whatever_the_budget() {
    for budget in [1, 100, 128, 129, 1000, 100_000] {
        let places = Budgets::new(budget, 60.0, salts()).places();
        assert!((8..=32_768).contains(&places));
        assert!(places * budget * 8 <= 32 << 20, "{budget}");
    }
}

#[test]
fn an_account_is_a_network_and_not_an_address() {
    let oracle = Oracle::new(3, 60.0, salts());
    let account = |text: &str| oracle.account(text.parse().unwrap());
    assert_eq!(account("192.0.2.1"), account("::ffff:192.0.2.255"));
    assert_ne!(account("192.0.2.1"), account("192.0.3.1"));
    assert_eq!(account("2001:db8:0:aa00::1"), account("2001:db8:0:aaff::1"));
    assert_ne!(account("2001:db8:0:aa00::1"), account("2001:db8:0:ab00::1"));
}

#[test]
fn as_long_as_nobody_has_spent_theirs_that_is_all_there_is_to_ask() {
    let oracle = Oracle::new(2, 60.0, salts());
    assert!(oracle.tell(1, 7, 0.0));
    assert!(!oracle.any_spent());
    assert!(oracle.tell(1, 8, 0.0));
    assert!(oracle.any_spent());
    assert!(oracle.is_spent(1, 0.0));
    assert!(!oracle.is_spent(1, 60.0));
    assert!(!oracle.any_spent());
}

#[test]
fn threads_that_answer_together_tell_no_more_than_the_budget() {
    let oracle = Arc::new(Oracle::new(100, 60.0, salts()));
    let asking = (0..4).map(|_| {
        let oracle = Arc::clone(&oracle);
        thread::spawn(move || {
            (0..10_000)
                .filter(|&key| !oracle.is_spent(1, 0.0) && oracle.tell(1, key, 0.0))
                .collect::<HashSet<u64>>()
        })
    });
    let learned: HashSet<u64> = asking
        .collect::<Vec<_>>()
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(learned.len(), 100);
}
