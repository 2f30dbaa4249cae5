//! The thread that reads, answers, forwards and hands up.

use crate::dns::cache::{locked, Cache};
use crate::dns::desk::{Desk, Now, Outcome};
use crate::dns::flights::{Flight, Waiter};
use crate::dns::handups::HandUp;
use crate::dns::misses::{Arrival, Misses, NotAsked};
use crate::dns::path::Path;
use crate::dns::response::Answer;
use crate::dns::shared::{lock, Shared};
use crate::dns::sockets::{ask_for_destination, Inbox, Outbox, Peer, BATCH};
use crate::dns::standing::Undecided;
use crate::dns::tally::{bucket, Event, Tally};
use crate::dns::waiting::{monotonic_s, Epoll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Batches from one socket before the others have their turn.
const BATCHES_IN_A_ROW: usize = 8;
/// At a stop, more than a receive buffer holds: what comes after was sent too late.
const LAST_BATCHES: usize = 256;
/// Responses from one port before the others have their turn.
const RESPONSES_IN_A_ROW: usize = 64;

const BELL: u64 = 0;
const LISTENERS: u64 = 1;
const PORTS: u64 = 1 << 16;

struct Listener {
    socket: OwnedFd,
    outbox: Outbox,
}

pub struct Worker {
    shared: Arc<Shared>,
    epoll: Epoll,
    listeners: Vec<Listener>,
    inbox: Inbox,
    misses: Misses,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(shared.bell.fd(), BELL)?;
        for (place, socket) in sockets.iter().enumerate() {
            ask_for_destination(socket.as_fd())?;
            epoll.add(socket.as_fd(), LISTENERS + place as u64)?;
        }
        let payload_bytes = lock(&shared.path).payload_bytes();
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

    /// Works until `Shared::stopping`.
    pub fn run(mut self) {
        let mut ready = Vec::new();
        while !self.shared.stopping.load(Ordering::Relaxed) {
            let timeout_ms = self.timeout_ms();
            self.epoll.wait(&mut ready, timeout_ms);
            self.misses.choose(*lock(&self.shared.upstream));
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
            self.hand_up_flight(flight, now);
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

    fn read_queries(&mut self, place: usize) {
        for _ in 0..BATCHES_IN_A_ROW {
            if self.read_batch(place) < BATCH {
                break;
            }
        }
    }

    /// One batch of queries, read and answered; how many they were.
    fn read_batch(&mut self, place: usize) -> usize {
        let listener = &mut self.listeners[place];
        let Ok(count) = self.inbox.receive(listener.socket.as_fd()) else {
            return 0;
        };
        let shared = &*self.shared;
        let now = shared.now();
        let mut path = lock(&shared.path);
        let standing = shared
            .standing
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut cache = locked(&shared.cache);
        let mut tally = lock(&shared.tally);
        let outbox = &mut listener.outbox;
        for i in 0..count {
            let packet = self.inbox.packet(i);
            let Some(peer) = self.inbox.peer(i) else {
                continue;
            };
            let mut desk = Desk {
                standing: &standing,
                cache: &mut cache,
                tally: &mut tally,
                oracle: &shared.oracle,
                now,
            };
            // A bug must cost one packet its speed, never the service.
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                path.look(packet, peer.client.ip(), &mut desk, &mut outbox.bytes)
            }));
            match outcome {
                Ok(Outcome::Answered) => outbox.seal(peer),
                Ok(Outcome::Silent) => {}
                Ok(Outcome::HandUp(undecided)) => {
                    let waiter = waiter(packet, peer, place, now);
                    hand_up(shared, &mut tally, waiter, undecided, now);
                }
                Ok(Outcome::Miss) => {
                    let waiter = waiter(packet, peer, place, now);
                    let asked = path.asked();
                    match self.misses.ask(asked, waiter, &self.epoll) {
                        Ok(()) => tally.event(Event::Forwarded),
                        Err((NotAsked::NoUpstream, waiter)) => {
                            hand_up(shared, &mut tally, waiter, None, now);
                        }
                        Err((NotAsked::NoRoom, waiter)) => {
                            let stale = may_be_stale(&cache, &asked.key, now);
                            no_room(shared, &mut tally, waiter, stale, now);
                        }
                    }
                }
                Err(_) => {
                    tally.event(Event::Fault);
                    outbox.discard();
                    let waiter = waiter(packet, peer, place, now);
                    hand_up(shared, &mut tally, waiter, None, now);
                }
            }
        }
        let answered = outbox.len();
        let lost = outbox.flush(listener.socket.as_fd());
        tally.events(Event::NotSent, lost);
        tally.fast[bucket(micros(monotonic_s() - now.steady_s))] += (answered - lost) as u64;
        count
    }

    /// A bug must cost those who wait for one answer, never the service: upstreams are strangers too.
    fn read_responses_safely(&mut self, port: usize) {
        if catch_unwind(AssertUnwindSafe(|| self.read_responses(port))).is_err() {
            lock(&self.shared.tally).event(Event::Fault);
            for listener in &mut self.listeners {
                listener.outbox.discard();
            }
        }
    }

    fn read_responses(&mut self, port: usize) {
        for _ in 0..RESPONSES_IN_A_ROW {
            match self.misses.receive(port) {
                Arrival::Answer(flight, answer) => {
                    lock(&self.shared.tally).event(Event::UpstreamAnswered);
                    self.deliver(flight, answer);
                }
                Arrival::Trouble(flights) => {
                    lock(&self.shared.tally).events(Event::UpstreamTrouble, flights.len());
                    let now = self.shared.now();
                    for flight in flights {
                        self.hand_up_flight(flight, now);
                    }
                }
                Arrival::Stray => {}
                Arrival::End => break,
            }
        }
    }

    /// Tells everyone who waits, if what came may be told to the clients of their profile.
    fn deliver(&mut self, mut flight: Flight, answer: Answer) {
        let shared = &*self.shared;
        let now = shared.now();
        let mut path = lock(&shared.path);
        let standing = shared
            .standing
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut cache = locked(&shared.cache);
        let mut tally = lock(&shared.tally);
        let answer = Arc::new(answer);
        let profile_of = |path: &Path, waiter: &Waiter| path.profile(waiter.peer.client.ip());
        flight.waiters.sort_by_key(|each| profile_of(&path, each));
        let mut kept = false;
        let mut waiters = flight.waiters.into_iter().peekable();
        while let Some(first) = waiters.peek() {
            let profile = profile_of(&path, first);
            let mut judged = if standing.holds_at(now.wall_s) {
                path.judge_answer(&standing, &flight.question, profile, &answer)
            } else {
                Err(None)
            };
            if let (Ok(judged), false) = (&judged, kept) {
                cache.put(&flight.key, Arc::clone(&answer), *judged, now.steady_s);
                kept = true;
            }
            while let Some(waiter) = waiters.next_if(|each| profile_of(&path, each) == profile) {
                match &mut judged {
                    Ok(judged) => {
                        let outbox = &mut self.listeners[waiter.listener].outbox;
                        let client = waiter.peer.client.ip();
                        let mut desk = Desk {
                            standing: &standing,
                            cache: &mut cache,
                            tally: &mut tally,
                            oracle: &shared.oracle,
                            now,
                        };
                        let told = (&*answer, judged.label);
                        let out = &mut outbox.bytes;
                        path.write_answer(&waiter.packet, client, told, &mut desk, out);
                        outbox.seal(waiter.peer);
                        tally.forwarded[bucket(micros(now.steady_s - waiter.since_s))] += 1;
                    }
                    Err(undecided) => {
                        hand_up(shared, &mut tally, waiter, undecided.take(), now);
                    }
                }
            }
        }
    }

    /// Hands up what an upstream was silent about for too long.
    fn expire(&mut self) {
        let now = self.shared.now();
        let since_s = now.steady_s - self.shared.patience_s;
        while let Some((flight, crowded)) = self.misses.overdue(since_s) {
            lock(&self.shared.tally).event(Event::UpstreamSilent);
            if !crowded {
                self.hand_up_flight(flight, now);
                continue;
            }
            // Somebody asks more than is answered: silence about it is not worth Python's time.
            let stale = may_be_stale(&locked(&self.shared.cache), &flight.key, now);
            let mut tally = lock(&self.shared.tally);
            for waiter in flight.waiters {
                no_room(&self.shared, &mut tally, waiter, stale, now);
            }
        }
    }

    fn hand_up_flight(&self, flight: Flight, now: Now) {
        let mut tally = lock(&self.shared.tally);
        for waiter in flight.waiters {
            hand_up(&self.shared, &mut tally, waiter, None, now);
        }
    }

    fn flush(&mut self) {
        for listener in &mut self.listeners {
            if !listener.outbox.is_empty() {
                let lost = listener.outbox.flush(listener.socket.as_fd());
                lock(&self.shared.tally).events(Event::NotSent, lost);
            }
        }
    }
}

fn waiter(packet: &[u8], peer: Peer, listener: usize, now: Now) -> Waiter {
    Waiter {
        packet: packet.into(),
        peer,
        listener,
        since_s: now.steady_s,
    }
}

fn hand_up(
    shared: &Shared,
    tally: &mut Tally,
    waiter: Waiter,
    undecided: Option<Undecided>,
    now: Now,
) {
    let hand_up = HandUp {
        packet: waiter.packet,
        peer: waiter.peer,
        listener: waiter.listener,
        undecided,
        waited_s: now.steady_s - waiter.since_s,
    };
    tally.event(if shared.hand_ups.push(hand_up, now.steady_s) {
        Event::HandedUp
    } else {
        Event::HandedUpDropped
    });
}

/// There is no room to ask: Python may still have an old answer (RFC 8767); if not, silence is cheapest.
fn no_room(shared: &Shared, tally: &mut Tally, waiter: Waiter, stale: bool, now: Now) {
    if stale {
        hand_up(shared, tally, waiter, None, now);
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
