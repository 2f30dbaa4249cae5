//! What a timed run comes to, as one JSON object.

use crate::answer::Judgement;
use crate::asker::Listener;
use crate::flight::Query;
use crate::histogram::Histogram;

/// Counts while the run goes on.
pub struct Tally {
    sent: u64,
    right: u64,
    wrong: u64,
    truncated: u64,
    unexpected: u64,
    latency: Histogram,
    late: Histogram,
    last_heard_ns: u64,
    longest_gap_ns: u64,
    right_in_time: u64,
}

/// What was measured around it.
pub struct Run {
    pub seconds: f64,
    pub lost: u64,
    pub cpu_s: f64,
    pub asked_per_s: Option<f64>,
}

/// A generator this busy could not have gone faster: the figure is its own, not the server's.
const BUSY_SHARE: f64 = 0.95;

impl Tally {
    pub fn new(now_ns: u64) -> Self {
        Self {
            sent: 0,
            right: 0,
            wrong: 0,
            truncated: 0,
            unexpected: 0,
            latency: Histogram::new(),
            late: Histogram::new(),
            last_heard_ns: now_ns,
            longest_gap_ns: 0,
            right_in_time: 0,
        }
    }

    /// The time for asking is over: later answers count as answers, but not into the rate.
    pub fn time_is_over(&mut self, now_ns: u64) {
        self.longest_gap_ns = self
            .longest_gap_ns
            .max(now_ns.saturating_sub(self.last_heard_ns));
        self.right_in_time = self.right;
    }

    pub fn json(&self, run: &Run) -> String {
        let cpu_share = run.cpu_s / run.seconds;
        let behind = run
            .asked_per_s
            .is_some_and(|per_s| (self.sent as f64) < 0.99 * per_s * run.seconds);
        let us = |ns: u64| ns as f64 / 1000.0;
        let latency = |share| us(self.latency.quantile(share));
        let fields: Vec<(&str, String)> = vec![
            ("sent", self.sent.to_string()),
            ("answered", self.right.to_string()),
            ("lost", run.lost.to_string()),
            ("wrong", self.wrong.to_string()),
            ("truncated", self.truncated.to_string()),
            ("unexpected", self.unexpected.to_string()),
            ("seconds", format!("{:.3}", run.seconds)),
            (
                "queries_per_s",
                format!("{:.1}", self.right_in_time as f64 / run.seconds),
            ),
            (
                "latency_mean_us",
                format!("{:.1}", self.latency.mean() / 1000.0),
            ),
            ("latency_p50_us", format!("{:.1}", latency(0.5))),
            ("latency_p90_us", format!("{:.1}", latency(0.9))),
            ("latency_p99_us", format!("{:.1}", latency(0.99))),
            ("latency_p999_us", format!("{:.1}", latency(0.999))),
            ("latency_max_us", format!("{:.1}", us(self.latency.max()))),
            (
                "longest_gap_ms",
                format!("{:.3}", self.longest_gap_ns as f64 / 1e6),
            ),
            (
                "sent_late_p99_us",
                format!("{:.1}", us(self.late.quantile(0.99))),
            ),
            ("cpu_s", format!("{:.3}", run.cpu_s)),
            ("cpu_share", format!("{cpu_share:.3}")),
            (
                "generator_limited",
                (cpu_share >= BUSY_SHARE || behind).to_string(),
            ),
        ];
        let lines: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect();
        format!("{{{}}}", lines.join(", "))
    }
}

impl Listener for Tally {
    fn asked(&mut self, late_ns: u64) {
        self.sent += 1;
        self.late.add(late_ns);
    }

    fn heard(&mut self, query: &Query, judgement: Judgement, _message: &[u8], now_ns: u64) {
        match judgement {
            Judgement::Right => self.right += 1,
            Judgement::Truncated => self.truncated += 1,
            Judgement::Wrong => self.wrong += 1,
        }
        self.latency.add(now_ns.saturating_sub(query.due_ns));
        self.longest_gap_ns = self
            .longest_gap_ns
            .max(now_ns.saturating_sub(self.last_heard_ns));
        self.last_heard_ns = now_ns;
    }

    fn unexpected(&mut self) {
        self.unexpected += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_reaches_to_the_end_of_the_run() {
        let mut tally = Tally::new(0);
        let query = Query {
            due_ns: 0,
            unique: None,
            question: 0,
        };
        tally.asked(0);
        tally.heard(&query, Judgement::Right, b"", 1_000_000);
        tally.time_is_over(9_000_000);
        let run = Run {
            seconds: 0.009,
            lost: 0,
            cpu_s: 0.001,
            asked_per_s: None,
        };
        let json = tally.json(&run);
        assert!(json.contains("\"longest_gap_ms\": 8.000"), "{json}");
        assert!(json.contains("\"generator_limited\": false"), "{json}");
    }

    #[test]
    fn a_generator_that_sent_less_than_asked_was_the_limit() {
        let run = Run {
            seconds: 1.0,
            lost: 0,
            cpu_s: 0.1,
            asked_per_s: Some(100.0),
        };
        let json = Tally::new(0).json(&run);
        assert!(json.contains("\"generator_limited\": true"), "{json}");
    }
}
