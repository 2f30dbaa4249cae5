//! How many responses a second go to a client network.
//!
//! A client network is an IPv4 /24 or an IPv6 /56, as in the technical note on response rate limiting
//! (Vixie and Schryver, 2012) and in the servers that follow it.

#[cfg(test)]
mod tests;

use siphasher::sip::SipHasher13;
use std::cmp::Reverse;
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

/// The client's network as a number, different for all networks of both families.
pub fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => 1 << 56 | (address.to_bits() >> 72) as u64,
    }
}
