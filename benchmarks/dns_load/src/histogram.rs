//! Latencies in a log-linear histogram: 64 steps an octave, so a quantile is at most 1.6 % too high.

const STEPS: u64 = 64;
const STEP_BITS: u32 = 6;

pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        let octaves = u64::from(u64::BITS - STEP_BITS) + 1;
        Self {
            counts: vec![0; (octaves * STEPS) as usize],
            total: 0,
            sum: 0,
            max: 0,
        }
    }

    pub fn add(&mut self, value: u64) {
        self.counts[place(value)] += 1;
        self.total += 1;
        self.sum += value;
        self.max = self.max.max(value);
    }

    /// 0 when there are none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.total.max(1) as f64
    }

    pub fn max(&self) -> u64 {
        self.max
    }

    /// The least value that `share` of all do not exceed; 0 when there are none.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return ceiling(place as u64).min(self.max);
            }
        }
        self.max
    }
}

fn place(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = value.ilog2() - STEP_BITS;
    ((u64::from(shift) + 1) * STEPS + (value >> shift) - STEPS) as usize
}

/// The highest value of a place.
fn ceiling(place: u64) -> u64 {
    if place < STEPS {
        return place;
    }
    let shift = place / STEPS - 1;
    let floor = (place % STEPS + STEPS) << shift;
    floor + (1 << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_value_lies_under_the_ceiling_of_its_place_and_over_the_one_before() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            let value = random.next() >> (random.next() % 64);
            let place = place(value) as u64;
            assert!(value <= ceiling(place));
            assert!(place == 0 || value > ceiling(place - 1));
        }
    }

    #[test]
    fn a_quantile_is_within_two_percent_of_the_sorted_one() {
        let mut random = Random::new(2);
        let mut values: Vec<u64> = (0..5_000).map(|_| random.next() >> 40).collect();
        let mut histogram = Histogram::new();
        for value in &values {
            histogram.add(*value);
        }
        values.sort_unstable();
        for share in [0.5, 0.9, 0.99, 0.999] {
            let exact = values[(share * 5_000.0) as usize - 1] as f64;
            let told = histogram.quantile(share) as f64;
            assert!(told >= exact && told <= exact * 1.02, "{share}");
        }
        assert_eq!(histogram.max(), values[4_999]);
        let sum: u64 = values.iter().sum();
        assert!((histogram.mean() - sum as f64 / 5_000.0).abs() < 1e-3);
    }

    #[test]
    fn an_empty_one_tells_zero() {
        assert_eq!(Histogram::new().quantile(0.99), 0);
    }
}
