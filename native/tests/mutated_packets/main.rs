//! Damaged packets at everything that reads what a stranger sent: no panic, and no rule broken.
//!
//! Safe Rust turns a read out of bounds into a panic. `PACKETS` says how many packets each campaign
//! has; `make fuzz` takes 10,000,000. Every packet follows from the seed and its number alone.

mod corpus;
mod damage;
mod paths;
mod queries;
mod random;
mod responses;
mod walk;
mod written;

use random::Random;
use std::env;
use std::fmt::Write;
use std::ops::Range;
use std::panic::{catch_unwind, AssertUnwindSafe};

const SEED: u64 = 20_240_501;
const PACKETS: u64 = 300_000;

fn packets() -> u64 {
    env::var("PACKETS").map_or(PACKETS, |count| count.parse().expect("PACKETS is a number"))
}

/// Gives `check` the damaged packets with these numbers; it says of which kind each one was. The share
/// of each kind comes back, in thousandths.
fn campaign<const KINDS: usize>(
    numbers: Range<u64>,
    corpus: &[Vec<u8>],
    from: usize,
    mut check: impl FnMut(&[u8], &mut Random) -> usize,
) -> [u64; KINDS] {
    let mut counts = [0_u64; KINDS];
    let mut packet = Vec::new();
    let packets = numbers.end - numbers.start;
    for n in numbers {
        let mut random = Random::of_packet(SEED, n);
        packet.clear();
        packet.extend(random.pick(corpus));
        // Mostly behind what everything else is refused for.
        let from = if random.one_in(4) { 0 } else { from };
        damage::damage(&mut packet, from, corpus, &mut random);
        let kind = catch_unwind(AssertUnwindSafe(|| check(&packet, &mut random)));
        counts[kind.unwrap_or_else(|_| panic!("packet {n}: {}", hex(&packet)))] += 1;
    }
    counts.map(|count| count * 1000 / packets)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
