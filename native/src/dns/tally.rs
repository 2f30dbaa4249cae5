//! What the fast path counts: kinds of events, decisions by label, and how long answers took. Nobody is in it.

/// What happens besides decisions. The names are those under which Python counts the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Event {
    Ignored,
    OutsideClients,
    LocalZone,
    /// To a client network that was told enough.
    OracleRefused,
    CacheHit,
    Forwarded,
    UpstreamAnswered,
    /// An answer that Python has to see to.
    UpstreamTrouble,
    UpstreamSilent,
    HandedUp,
    HandedUpDropped,
    RateLimited,
    Slipped,
    CookieProven,
    NoRoom,
    NotSent,
    /// Work on a packet ended in a panic: a bug, which costs the packet its speed and no more.
    Fault,
}

impl Event {
    pub const NAMES: [&'static str; 17] = [
        "ignored",
        "outside_clients",
        "local_zone",
        "oracle_refused",
        "cache_hit",
        "forwarded",
        "upstream_answered",
        "upstream_trouble",
        "upstream_silent",
        "handed_up",
        "handed_up_dropped",
        "rate_limited",
        "slipped",
        "cookie_proven",
        "no_room",
        "not_sent",
        "fault",
    ];
}

/// How many answers took how long: bucket n holds those below 2^n microseconds.
pub const LATENCY_BUCKETS: usize = 24;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: [u64; Event::NAMES.len()],
    /// By the label that Python gave with a decision.
    pub labels: Vec<u64>,
    /// From reading a packet to having sent its answer.
    pub fast: [u64; LATENCY_BUCKETS],
    /// The same for answers that an upstream was asked for.
    pub forwarded: [u64; LATENCY_BUCKETS],
}

impl Tally {
    pub fn event(&mut self, event: Event) {
        self.events[event as usize] += 1;
    }

    pub fn events(&mut self, event: Event, times: usize) {
        self.events[event as usize] += times as u64;
    }

    pub fn decided(&mut self, label: u32) {
        let place = label as usize;
        if place >= self.labels.len() {
            self.labels.resize(place + 1, 0);
        }
        self.labels[place] += 1;
    }
}

/// The bucket for so many microseconds.
pub fn bucket(micros: u64) -> usize {
    ((u64::BITS - micros.leading_zeros()) as usize).min(LATENCY_BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_below_its_power_of_two() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(1), 1);
        assert_eq!(bucket(2), 2);
        assert_eq!(bucket(3), 2);
        assert_eq!(bucket(1024), 11);
        assert_eq!(bucket(u64::MAX), LATENCY_BUCKETS - 1);
    }

    #[test]
    fn labels_are_counted_wherever_they_are() {
        let mut tally = Tally::default();
        tally.decided(3);
        tally.decided(3);
        assert_eq!(tally.labels, [0, 0, 0, 2]);
    }
}
