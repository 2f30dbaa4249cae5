//! Limits by client network: how many responses a second, and how many questions in flight.
//!
//! A client network is an IPv4 /24 or an IPv6 /56, as in the technical note on response rate limiting
//! (Vixie and Schryver, 2012) and in the servers that follow it.

use siphasher::sip::SipHasher13;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

/// Sets times buckets is how many networks are told apart: 32,768 in 1 MiB.
const SETS: usize = 4096;
const BUCKETS: usize = 8;
/// Credit counts in thousandths of a response: then each millisecond adds exactly the rate.
const RESPONSE: u64 = 1000;
const NOBODY: u64 = u64::MAX;

/// What becomes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Pass,
    /// An empty truncated response instead: no larger than the query, and a real client asks again by TCP.
    Slip,
    Drop,
}

/// Response rate limiting for clients whose address is not proven (no TCP, no DNS cookie).
///
/// Each network has a bucket with credit for one second's responses. Every response takes one, and
/// credit comes back evenly, `per_second` a second: a network that rests for a second may burst again,
/// and under a flood of any size exactly `per_second` responses a second pass. There is no debt (the
/// technical note's `window` is one second), and all responses count alike: what is limited is the
/// traffic towards a network, whatever the question. Of the responses beyond the credit the first of a
/// second, and then every `slip`-th, slips, as long as no more slip in a second than pass: a flood is to
/// cost less, not another answer each. The others are dropped.
///
/// Memory is fixed. A network's set of eight buckets follows from a keyed hash, so nobody can choose
/// networks that share another's. A network that is new to its set takes over the bucket with the most
/// credit, and takes it as it is. One that was idle for a second is full, so up to eight active networks
/// of a set do not notice each other. Beyond that newcomers start with less than a full credit: the
/// responses of a set are limited to eight networks' rates, whichever networks ask, and a network that
/// is limited is not forgotten while another one of its set has more credit.
pub struct RateLimit {
    sets: Box<[Set]>,
    per_second: u64,
    slip: u32,
    key: [u64; 2],
}

#[derive(Clone)]
#[repr(align(64))]
struct Set {
    /// Apart from the buckets: one cache line tells which bucket is meant.
    networks: [u64; BUCKETS],
    buckets: [Bucket; BUCKETS],
}

#[derive(Clone, Copy)]
struct Bucket {
    credit: u64,
    at_ms: u64,
    /// Responses withheld in a second, and which second that is.
    withheld: u32,
    second: u32,
}

impl RateLimit {
    /// `per_second` 0: no limit. `slip` 0: nothing slips, 1: everything that does not pass.
    pub fn new(per_second: u32, slip: u32, key: [u64; 2]) -> Self {
        let per_second = u64::from(per_second);
        let idle = Bucket {
            credit: per_second * RESPONSE,
            at_ms: 0,
            withheld: 0,
            second: 0,
        };
        let set = Set {
            networks: [NOBODY; BUCKETS],
            buckets: [idle; BUCKETS],
        };
        let sets = if per_second == 0 { 0 } else { SETS };
        Self {
            sets: vec![set; sets].into_boxed_slice(),
            per_second,
            slip,
            key,
        }
    }

    /// Counts one response to this client; `now_ms` is monotonic time. O(1).
    pub fn take(&mut self, client: IpAddr, now_ms: u64) -> Limit {
        if self.per_second == 0 {
            return Limit::Pass;
        }
        let network = network(client);
        let hash =
            SipHasher13::new_with_keys(self.key[0], self.key[1]).hash(&network.to_ne_bytes());
        let set = &mut self.sets[hash as usize % SETS];
        let place = match set.networks.iter().position(|&known| known == network) {
            Some(place) => place,
            None => set.fullest(self.per_second, now_ms),
        };
        set.networks[place] = network;
        let bucket = &mut set.buckets[place];
        bucket.credit = bucket.credit_at(self.per_second, now_ms);
        bucket.at_ms = bucket.at_ms.max(now_ms);
        if bucket.credit >= RESPONSE {
            bucket.credit -= RESPONSE;
            return Limit::Pass;
        }
        bucket.withhold(self.slip, self.per_second, (now_ms / 1000) as u32)
    }
}

impl Set {
    /// The place with the most credit; of several the one that was longest not asked for.
    fn fullest(&self, per_second: u64, now_ms: u64) -> usize {
        let fill = |place: &usize| {
            let bucket = &self.buckets[*place];
            (bucket.credit_at(per_second, now_ms), Reverse(bucket.at_ms))
        };
        (0..BUCKETS).max_by_key(fill).unwrap_or(0)
    }
}

impl Bucket {
    fn credit_at(&self, per_second: u64, now_ms: u64) -> u64 {
        // More than a second fills every bucket.
        let elapsed_ms = now_ms.saturating_sub(self.at_ms).min(1000);
        (self.credit + elapsed_ms * per_second).min(per_second * RESPONSE)
    }

    fn withhold(&mut self, slip: u32, per_second: u64, second: u32) -> Limit {
        if self.second != second {
            (self.second, self.withheld) = (second, 0);
        }
        let number = self.withheld;
        self.withheld = number.saturating_add(1);
        if slip != 0 && number % slip == 0 && u64::from(number / slip) < per_second {
            Limit::Slip
        } else {
            Limit::Drop
        }
    }
}

/// Counts what is in flight, in all and for each client network, so that one network's questions leave
/// room for the others'.
pub struct Shares {
    most: usize,
    per_network: usize,
    in_flight: usize,
    of_network: HashMap<u64, usize>,
}

impl Shares {
    /// At most `most` in flight together, and `per_network` of one client network.
    pub fn new(most: usize, per_network: usize) -> Self {
        Self {
            most,
            per_network,
            in_flight: 0,
            // Twice, so that the map never grows: at most half full, it is tidied up in place.
            of_network: HashMap::with_capacity(most.saturating_mul(2)),
        }
    }

    /// False: no room, and nothing is counted. Each true wants one `leave` for the same client. O(1).
    pub fn enter(&mut self, client: IpAddr) -> bool {
        if self.in_flight >= self.most || self.per_network == 0 {
            return false;
        }
        let count = self.of_network.entry(network(client)).or_insert(0);
        if *count >= self.per_network {
            return false;
        }
        *count += 1;
        self.in_flight += 1;
        true
    }

    /// Gives back what `enter` took; without that it does nothing.
    pub fn leave(&mut self, client: IpAddr) {
        let network = network(client);
        let Some(count) = self.of_network.get_mut(&network) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.of_network.remove(&network);
        }
        self.in_flight -= 1;
    }

    /// How many are in flight of this client's network.
    pub fn of(&self, client: IpAddr) -> usize {
        self.of_network.get(&network(client)).copied().unwrap_or(0)
    }
}

/// The client's network as a number, different for all networks of both families.
fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => 1 << 56 | (address.to_bits() >> 72) as u64,
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn one_network_gets_its_share_and_the_others_the_rest() {
        let mut shares = Shares::new(5, 2);
        assert!(shares.enter(ip("192.0.2.1")));
        assert!(shares.enter(ip("192.0.2.2")));
        assert!(!shares.enter(ip("192.0.2.3")));
        for other in ["198.51.100.1", "2001:db8::1", "203.0.113.1"] {
            assert!(shares.enter(ip(other)));
        }
        assert!(!shares.enter(ip("127.0.0.1")), "five are in flight");
        shares.leave(ip("192.0.2.9"));
        assert!(shares.enter(ip("127.0.0.1")));
    }

    #[test]
    fn leaving_without_having_entered_makes_no_room() {
        let mut shares = Shares::new(1, 1);
        assert!(shares.enter(ip("192.0.2.1")));
        shares.leave(ip("198.51.100.1"));
        assert!(!shares.enter(ip("203.0.113.1")));
    }

    #[test]
    fn no_room_is_no_room() {
        assert!(!Shares::new(0, 1).enter(ip("192.0.2.1")));
        assert!(!Shares::new(1, 0).enter(ip("192.0.2.1")));
    }

    #[test]
    fn the_memory_of_shares_does_not_grow_with_the_networks_seen() {
        let mut shares = Shares::new(1_000, 3);
        let room = shares.of_network.capacity();
        for n in 0..1_000_000_u32 {
            assert!(shares.enter(IpAddr::V4(Ipv4Addr::from_bits(n << 8))));
            if n >= 999 {
                shares.leave(IpAddr::V4(Ipv4Addr::from_bits((n - 999) << 8)));
            }
        }
        assert_eq!(shares.of_network.len(), 999);
        assert!(shares.of_network.capacity() <= room);
    }
}
