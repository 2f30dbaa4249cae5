//! What clients send: read and answered in batches, forwarded, or handed up.

use super::{may_be_stale, micros, no_room, Worker};
use crate::dns::desk::Outcome;
use crate::dns::flights::Waiter;
use crate::dns::misses::NotAsked;
use crate::dns::sockets::BATCH;
use crate::dns::tally::{bucket, Event};
use crate::dns::waiting::monotonic_s;
use std::os::fd::AsFd;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Batches from one socket before the others have their turn.
const BATCHES_IN_A_ROW: usize = 8;

impl Worker {
    pub(super) fn read_queries(&mut self, place: usize) {
        for _ in 0..BATCHES_IN_A_ROW {
            if self.read_batch(place) < BATCH {
                break;
            }
        }
    }

    /// One batch of queries, read and answered; how many they were.
    pub(super) fn read_batch(&mut self, place: usize) -> usize {
        let listener = &mut self.listeners[place];
        let Ok(count) = self.inbox.receive(listener.socket.as_fd()) else {
            return 0;
        };
        let hand_ups = &self.shared.hand_ups;
        let now = self.shared.now();
        let mut held = self.shared.hold();
        let (path, mut desk) = held.desk(now);
        let outbox = &mut listener.outbox;
        for i in 0..count {
            let packet = self.inbox.packet(i);
            let Some(peer) = self.inbox.peer(i) else {
                continue;
            };
            let waiter = || Waiter {
                packet: packet.into(),
                peer,
                listener: place,
                since_s: now.steady_s,
            };
            // A bug must cost one packet its speed, never the service.
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                path.look(packet, peer.client.ip(), &mut desk, &mut outbox.bytes)
            }));
            match outcome {
                Ok(Outcome::Answered) => outbox.seal(peer),
                Ok(Outcome::Silent) => {}
                Ok(Outcome::HandUp(undecided)) => {
                    hand_ups.push(waiter(), undecided, now, desk.tally);
                }
                Ok(Outcome::Miss) => {
                    let asked = path.asked();
                    match self.misses.ask(asked, waiter(), &self.epoll) {
                        Ok(()) => desk.tally.event(Event::Forwarded),
                        Err((NotAsked::NoUpstream, waiter)) => {
                            hand_ups.push(waiter, None, now, desk.tally);
                        }
                        Err((NotAsked::NoRoom, waiter)) => {
                            let stale = may_be_stale(desk.cache, &asked.key, now);
                            no_room(hand_ups, waiter, stale, now, desk.tally);
                        }
                    }
                }
                Err(_) => {
                    desk.tally.event(Event::Fault);
                    outbox.discard();
                    hand_ups.push(waiter(), None, now, desk.tally);
                }
            }
        }
        let answered = listener.outbox.len();
        let lost = listener.flush();
        desk.tally.events(Event::NotSent, lost);
        desk.tally.fast[bucket(micros(monotonic_s() - now.steady_s))] += (answered - lost) as u64;
        count
    }
}
