//! What upstreams send, or do not send in time, and those who wait for it.

use super::{may_be_stale, micros, no_room, Worker};
use crate::dns::desk::Now;
use crate::dns::flights::Flight;
use crate::dns::misses::Arrival;
use crate::dns::response::Answer;
use crate::dns::tally::{bucket, Event};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// Responses from one port before the others have their turn.
const RESPONSES_IN_A_ROW: usize = 64;

impl Worker {
    /// A bug must cost those who wait for one answer, never the service: upstreams are strangers too.
    pub(super) fn read_responses_safely(&mut self, port: usize) {
        if catch_unwind(AssertUnwindSafe(|| self.read_responses(port))).is_err() {
            self.shared.tally().event(Event::Fault);
            for listener in &mut self.listeners {
                listener.outbox.discard();
            }
        }
    }

    fn read_responses(&mut self, port: usize) {
        for _ in 0..RESPONSES_IN_A_ROW {
            match self.misses.receive(port) {
                Arrival::Answer(flight, answer) => {
                    self.shared.tally().event(Event::UpstreamAnswered);
                    self.deliver(flight, answer);
                }
                Arrival::Trouble(flights) => {
                    let count = flights.len();
                    self.shared.tally().events(Event::UpstreamTrouble, count);
                    let now = self.shared.now();
                    for flight in flights {
                        self.hand_up(flight, now);
                    }
                }
                Arrival::Stray => {}
                Arrival::End => break,
            }
        }
    }

    /// Tells everyone who waits, if what came may be told to the clients of their profile.
    fn deliver(&mut self, flight: Flight, answer: Answer) {
        let now = self.shared.now();
        let mut held = self.shared.hold();
        let (path, mut desk) = held.desk(now);
        let answer = Arc::new(answer);
        let mut waiters = flight.waiters;
        waiters.sort_by_key(|waiter| path.profile(waiter.peer.client.ip()));
        let mut judged_for = None;
        let mut judged = Err(None);
        let mut kept = false;
        for waiter in waiters {
            let client = waiter.peer.client.ip();
            let profile = path.profile(client);
            if judged_for != Some(profile) {
                judged_for = Some(profile);
                judged = if desk.standing.holds_at(now.wall_s) {
                    path.judge_answer(desk.standing, &flight.question, profile, &answer)
                } else {
                    Err(None)
                };
                if let (Ok(judged), false) = (&judged, kept) {
                    let answer = Arc::clone(&answer);
                    desk.cache.put(&flight.key, answer, *judged, now.steady_s);
                    kept = true;
                }
            }
            match &mut judged {
                Ok(judged) => {
                    let outbox = &mut self.listeners[waiter.listener].outbox;
                    let told = (&*answer, judged.label);
                    path.write_answer(&waiter.packet, client, told, &mut desk, &mut outbox.bytes);
                    outbox.seal(waiter.peer);
                    desk.tally.forwarded[bucket(micros(now.steady_s - waiter.since_s))] += 1;
                }
                Err(undecided) => {
                    let hand_ups = &self.shared.hand_ups;
                    hand_ups.push(waiter, undecided.take(), now, desk.tally);
                }
            }
        }
    }

    /// Hands up what an upstream was silent about for too long.
    pub(super) fn expire(&mut self) {
        let now = self.shared.now();
        let since_s = now.steady_s - self.shared.patience_s;
        while let Some((flight, crowded)) = self.misses.overdue(since_s) {
            self.shared.tally().event(Event::UpstreamSilent);
            if !crowded {
                self.hand_up(flight, now);
                continue;
            }
            // Somebody asks more than is answered: silence about it is not worth Python's time.
            let stale = may_be_stale(&self.shared.cache(), &flight.key, now);
            let mut tally = self.shared.tally();
            for waiter in flight.waiters {
                no_room(&self.shared.hand_ups, waiter, stale, now, &mut tally);
            }
        }
    }

    /// Leaves everyone who waits to Python.
    pub(super) fn hand_up(&self, flight: Flight, now: Now) {
        let mut tally = self.shared.tally();
        for waiter in flight.waiters {
            self.shared.hand_ups.push(waiter, None, now, &mut tally);
        }
    }
}
