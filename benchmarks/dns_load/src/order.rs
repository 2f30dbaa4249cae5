//! In which order the questions are asked.

use crate::random::{scramble, Random};

/// Enough draws that a run seldom sees the same stretch twice.
const DRAWS: usize = 1 << 20;

pub struct Order {
    sequence: Vec<u32>,
    at: usize,
    endless: bool,
    unique: Option<u64>,
}

impl Order {
    /// Each of `questions` once, `rounds` times over.
    pub fn once(questions: Vec<u32>) -> Self {
        Self {
            sequence: questions,
            at: 0,
            endless: false,
            unique: None,
        }
    }

    /// Questions `0..count` in turn, for ever.
    pub fn in_turn(count: usize) -> Self {
        Self::endless((0..count as u32).collect())
    }

    /// Drawn: of `0..count` by rank with weight `rank ** -exponent`, and with `also_share` evenly of the
    /// `also` questions that follow them.
    pub fn drawn(count: usize, exponent: f64, also: usize, also_share: f64, seed: u64) -> Self {
        let mut sum = 0.0;
        let sums: Vec<f64> = (1..=count)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        let mut random = Random::new(seed);
        let sequence = (0..DRAWS)
            .map(|_| {
                if also > 0 && random.share() < also_share {
                    (count + (random.share() * also as f64) as usize) as u32
                } else {
                    let point = random.share() * sum;
                    sums.partition_point(|upto| *upto <= point).min(count - 1) as u32
                }
            })
            .collect();
        Self::endless(sequence)
    }

    fn endless(sequence: Vec<u32>) -> Self {
        Self {
            sequence,
            at: 0,
            endless: true,
            unique: None,
        }
    }

    /// The same, each with a number for a fresh label of its own.
    pub fn with_unique(mut self, seed: u64) -> Self {
        self.unique = Some(scramble(seed));
        self
    }

    /// A question, and the number of its label; None when all were asked.
    pub fn next(&mut self) -> Option<(u32, Option<u64>)> {
        if self.at == self.sequence.len() {
            if !self.endless {
                return None;
            }
            self.at = 0;
        }
        let question = *self.sequence.get(self.at)?;
        self.at += 1;
        let unique = self.unique.map(|count| {
            self.unique = Some(count.wrapping_add(1));
            scramble(count)
        });
        Some((question, unique))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_ends_and_a_turn_does_not() {
        let mut pass = Order::once(vec![4, 2]);
        assert_eq!(pass.next(), Some((4, None)));
        assert_eq!(pass.next(), Some((2, None)));
        assert_eq!(pass.next(), None);
        let mut turn = Order::in_turn(2);
        let asked: Vec<u32> = (0..5).map(|_| turn.next().unwrap().0).collect();
        assert_eq!(asked, [0, 1, 0, 1, 0]);
    }

    #[test]
    fn ranks_are_drawn_by_their_weights_and_the_others_by_their_share() {
        let mut order = Order::drawn(100, 1.0, 10, 0.1, 1);
        let mut counts = [0_u32; 110];
        for _ in 0..DRAWS {
            counts[order.next().unwrap().0 as usize] += 1;
        }
        let also: u32 = counts[100..].iter().sum();
        assert!((f64::from(also) / DRAWS as f64 - 0.1).abs() < 0.002);
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!((ratio - 10.0).abs() < 0.5, "{ratio}");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut one, mut other) = (
            Order::drawn(9, 1.0, 0, 0.0, 7).with_unique(3),
            Order::drawn(9, 1.0, 0, 0.0, 7).with_unique(3),
        );
        for _ in 0..100 {
            assert_eq!(one.next(), other.next());
        }
    }
}
