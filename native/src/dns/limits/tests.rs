use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};
use Limit::{Drop, Pass, Slip};

const KEY: [u64; 2] = [0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn passed(limit: &mut RateLimit, client: &str, responses: usize, now_ms: u64) -> usize {
    (0..responses)
        .filter(|_| limit.take(ip(client), now_ms) == Limit::Pass)
        .count()
}

#[test]
fn one_second_of_responses_may_come_at_once_and_the_rest_evenly() {
    let mut limit = RateLimit::new(10, 0, KEY);
    assert_eq!(passed(&mut limit, "192.0.2.1", 50, 5_000), 10);
    assert_eq!(passed(&mut limit, "192.0.2.1", 50, 5_099), 0);
    assert_eq!(passed(&mut limit, "192.0.2.1", 50, 5_100), 1);
    assert_eq!(passed(&mut limit, "192.0.2.1", 50, 5_599), 4);
    assert_eq!(passed(&mut limit, "192.0.2.1", 50, 9_000), 10);
}

#[test]
fn under_a_flood_exactly_the_rate_passes() {
    let mut limit = RateLimit::new(7, 2, KEY);
    let all: usize = (0..10_000)
        .map(|ms| passed(&mut limit, "192.0.2.1", 3, ms))
        .sum();
    assert_eq!(all, 7 + 7 * 10 - 1);
}

#[test]
fn a_network_is_limited_as_a_whole_and_its_neighbour_is_not() {
    let mut limit = RateLimit::new(1, 0, KEY);
    for (one, same, other) in [
        ("192.0.2.1", "192.0.2.255", "192.0.3.1"),
        ("198.51.100.9", "::ffff:198.51.100.1", "::198.51.100.1"),
        (
            "2001:db8:0:aa00::1",
            "2001:db8:0:aaff:ffff::",
            "2001:db8:0:ab00::1",
        ),
    ] {
        assert_eq!(limit.take(ip(one), 0), Limit::Pass);
        assert_eq!(limit.take(ip(same), 0), Limit::Drop, "{same}");
        assert_eq!(limit.take(ip(other), 0), Limit::Pass, "{other}");
    }
}

#[test]
fn every_nth_withheld_response_slips_from_the_first_one_on() {
    let mut limit = RateLimit::new(3, 3, KEY);
    assert_eq!(passed(&mut limit, "192.0.2.1", 3, 0), 3);
    let fates: Vec<_> = (0..7).map(|_| limit.take(ip("192.0.2.1"), 0)).collect();
    assert_eq!(fates, [Slip, Drop, Drop, Slip, Drop, Drop, Slip]);
}

#[test]
fn no_more_slip_in_a_second_than_pass() {
    let mut limit = RateLimit::new(10, 2, KEY);
    for second in 0..3 {
        let fates: Vec<_> = (0..1000)
            .map(|_| limit.take(ip("192.0.2.1"), second * 1000))
            .collect();
        assert_eq!(fates.iter().filter(|&&fate| fate == Pass).count(), 10);
        assert_eq!(fates.iter().filter(|&&fate| fate == Slip).count(), 10);
    }
}

#[test]
fn slip_1_drops_nothing_and_slip_0_drops_all() {
    for (slip, fate) in [(1, Limit::Slip), (0, Limit::Drop)] {
        let mut limit = RateLimit::new(5, slip, KEY);
        assert_eq!(passed(&mut limit, "192.0.2.1", 5, 0), 5);
        for _ in 0..5 {
            assert_eq!(limit.take(ip("192.0.2.1"), 0), fate);
        }
    }
}

#[test]
fn rate_0_limits_nothing_and_costs_no_memory() {
    let mut limit = RateLimit::new(0, 2, KEY);
    assert_eq!(passed(&mut limit, "192.0.2.1", 1_000, 0), 1_000);
    assert!(limit.sets.is_empty());
}

#[test]
fn the_memory_is_one_mebibyte() {
    assert!(SETS * size_of::<Set>() <= 1 << 20);
}

#[test]
fn the_highest_rate_and_time_do_not_overflow() {
    let mut limit = RateLimit::new(u32::MAX, 2, KEY);
    assert_eq!(limit.take(ip("192.0.2.1"), 0), Limit::Pass);
    assert_eq!(limit.take(ip("192.0.2.1"), u64::MAX), Limit::Pass);
    assert_eq!(limit.take(ip("192.0.2.1"), 3), Limit::Pass);
}

#[test]
fn a_clock_that_steps_back_gives_no_credit() {
    let mut limit = RateLimit::new(1, 0, KEY);
    assert_eq!(passed(&mut limit, "192.0.2.1", 5, 10_000), 1);
    assert_eq!(passed(&mut limit, "192.0.2.1", 5, 2_000), 0);
    assert_eq!(passed(&mut limit, "192.0.2.1", 5, 10_999), 0);
    assert_eq!(passed(&mut limit, "192.0.2.1", 5, 11_000), 1);
}

#[test]
fn ten_thousand_networks_at_their_rate_do_not_notice_each_other() {
    let mut limit = RateLimit::new(5, 0, KEY);
    let mut withheld = 0;
    for second in 0..5_u64 {
        for n in 0..10_000_u32 {
            let client = IpAddr::V4(Ipv4Addr::from_bits(n << 8 | 7));
            for _ in 0..5 {
                withheld += usize::from(limit.take(client, second * 1000) != Limit::Pass);
            }
        }
    }
    // Where chance puts more than eight of them into one set.
    assert!(withheld < 10_000 * 5 * 5 / 200, "{withheld}");
}

#[test]
fn a_flood_from_ever_new_networks_does_not_reset_a_limited_one() {
    let mut limit = RateLimit::new(10, 2, KEY);
    let mut to_victim = 0;
    for n in 0..2_000_000_u32 {
        // A second of ten times as many networks as there are buckets.
        let now_ms = u64::from(n) / 400;
        let spoofed = IpAddr::V6(Ipv6Addr::from_bits(u128::from(n) << 72));
        limit.take(spoofed, now_ms);
        if n % 40 == 0 {
            to_victim += passed(&mut limit, "192.0.2.1", 1, now_ms);
        }
    }
    // Five seconds: the burst, and ten a second.
    assert!(to_victim <= 60, "{to_victim}");
    assert!(to_victim > 0);
}

#[test]
fn a_set_never_passes_more_than_eight_networks_rates() {
    let mut limit = RateLimit::new(10, 0, KEY);
    let passed = (0..4_000_000_u32)
        .map(|n| IpAddr::V6(Ipv6Addr::from_bits(u128::from(n) << 72)))
        .filter(|&spoofed| limit.take(spoofed, 0) == Limit::Pass)
        .count();
    assert!(passed <= SETS * BUCKETS * 10, "{passed}");
}

#[test]
fn which_networks_share_a_set_depends_on_the_key() {
    let sharing = |key| {
        let mut limit = RateLimit::new(1, 0, key);
        for n in 0..8_000_u32 {
            limit.take(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), 0);
        }
        let set = limit.sets.iter().find(|set| set.networks.contains(&1));
        set.map(|set| set.networks).unwrap()
    };
    assert_ne!(sharing(KEY), sharing([1, 2]));
}
