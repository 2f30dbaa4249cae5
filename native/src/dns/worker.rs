//! The thread that reads, answers, forwards and hands up.

mod queries;
mod responses;

use crate::dns::cache::Cache;
use crate::dns::desk::Now;
use crate::dns::flights::Waiter;
use crate::dns::handups::HandUps;
use crate::dns::misses::Misses;
use crate::dns::shared::Shared;
use crate::dns::sockets::{ask_for_destination, Inbox, Outbox};
use crate::dns::tally::{Event, Tally};
use crate::dns::waiting::{monotonic_s, Epoll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// At a stop, more than a receive buffer holds: what comes after was sent too late.
const LAST_BATCHES: usize = 256;

const BELL: u64 = 0;
const LISTENERS: u64 = 1;
const PORTS: u64 = 1 << 16;

pub struct Worker {
    shared: Arc<Shared>,
    epoll: Epoll,
    listeners: Vec<Listener>,
    inbox: Inbox,
    misses: Misses,
}

struct Listener {
    socket: OwnedFd,
    outbox: Outbox,
}

impl Listener {
    /// Sends all that goes out; how many could not be sent.
    fn flush(&mut self) -> usize {
        self.outbox.flush(self.socket.as_fd())
    }
}

impl Worker {
    pub fn new(shared: Arc<Shared>, sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(shared.bell.fd(), BELL)?;
        for (place, socket) in sockets.iter().enumerate() {
            ask_for_destination(socket.as_fd())?;
            epoll.add(socket.as_fd(), LISTENERS + place as u64)?;
        }
        let payload_bytes = shared.payload_bytes;
        Ok(Self {
            shared,
            epoll,
            listeners: sockets
                .into_iter()
                .map(|socket| Listener {
                    socket,
                    outbox: Outbox::default(),
                })
                .collect(),
            inbox: Inbox::default(),
            misses: Misses::new(PORTS, payload_bytes)?,
        })
    }

    /// Works until `Shared::stop`.
    pub fn run(mut self) {
        let mut ready = Vec::new();
        while !self.shared.is_stopping() {
            let timeout_ms = self.timeout_ms();
            self.epoll.wait(&mut ready, timeout_ms);
            self.misses.choose(self.shared.upstream());
            for &token in &ready {
                match token {
                    BELL => self.shared.bell.silence(),
                    LISTENERS..PORTS => self.read_queries((token - LISTENERS) as usize),
                    _ => self.read_responses_safely((token - PORTS) as usize),
                }
            }
            self.expire();
            self.flush();
        }
        self.finish();
    }

    /// Answers what has arrived; Python waits for the upstreams from here on.
    fn finish(&mut self) {
        for place in 0..self.listeners.len() {
            for _ in 0..LAST_BATCHES {
                if self.read_batch(place) == 0 {
                    break;
                }
            }
        }
        let now = self.shared.now();
        for flight in self.misses.abandon() {
            self.hand_up(flight, now);
        }
        self.flush();
    }

    fn timeout_ms(&mut self) -> i32 {
        let Some(oldest_s) = self.misses.oldest_s() else {
            return -1;
        };
        let left_s = oldest_s + self.shared.patience_s - monotonic_s();
        (left_s.max(0.0) * 1000.0) as i32 + 1
    }

    fn flush(&mut self) {
        for listener in &mut self.listeners {
            if !listener.outbox.is_empty() {
                let lost = listener.flush();
                self.shared.tally().events(Event::NotSent, lost);
            }
        }
    }
}

/// There is no room to ask: Python may still have an old answer (RFC 8767); if not, silence is cheapest.
fn no_room(hand_ups: &HandUps, waiter: Waiter, stale: bool, now: Now, tally: &mut Tally) {
    if stale {
        hand_ups.push(waiter, None, now, tally);
    } else {
        tally.event(Event::NoRoom);
    }
}

fn may_be_stale(cache: &Cache, key: &[u8], now: Now) -> bool {
    cache.stale(key, now.steady_s).is_some()
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}
