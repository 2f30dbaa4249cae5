//! The queue of what Python must look at: bounded, and fair between client networks.

use crate::dns::desk::Now;
use crate::dns::flights::Waiter;
use crate::dns::limits::{Limit, RateLimit};
use crate::dns::shares::Shares;
use crate::dns::sockets::Peer;
use crate::dns::standing::Undecided;
use crate::dns::tally::{Event, Tally};
use crate::dns::waiting::Bell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_OF_NETWORK: usize = 1024;
/// What Python can do in a second is several times this.
const MAX_PER_SECOND_OF_NETWORK: u32 = 5000;

/// A packet for Python.
pub struct HandUp {
    pub packet: Box<[u8]>,
    pub peer: Peer,
    pub listener: usize,
    /// The decision that is wanted for next time.
    pub undecided: Option<Undecided>,
    /// How long an upstream was waited for already.
    pub waited_s: f64,
}

pub struct HandUps {
    queue: Mutex<Queue>,
    bell: Bell,
}

struct Queue {
    waiting: VecDeque<HandUp>,
    limit: RateLimit,
    shares: Shares,
}

impl HandUps {
    pub fn new(key: [u64; 2]) -> io::Result<Self> {
        Ok(Self {
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                limit: RateLimit::new(MAX_PER_SECOND_OF_NETWORK, 0, key),
                shares: Shares::new(MAX_QUEUED, MAX_QUEUED_OF_NETWORK),
            }),
            bell: Bell::new()?,
        })
    }

    /// Has Python see to a query that waits, unless there is no room: then it is dropped.
    pub fn push(&self, waiter: Waiter, undecided: Option<Undecided>, now: Now, tally: &mut Tally) {
        let hand_up = HandUp {
            packet: waiter.packet,
            peer: waiter.peer,
            listener: waiter.listener,
            undecided,
            waited_s: now.steady_s - waiter.since_s,
        };
        tally.event(if self.enqueue(hand_up, now.steady_s) {
            Event::HandedUp
        } else {
            Event::HandedUpDropped
        });
    }

    /// False: there is no room.
    fn enqueue(&self, hand_up: HandUp, steady_s: f64) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let client = hand_up.peer.client.ip();
        let limit = queue.limit.take(client, (steady_s * 1000.0) as u64);
        if limit != Limit::Pass || !queue.shares.enter(client) {
            return false;
        }
        queue.waiting.push_back(hand_up);
        if queue.waiting.len() == 1 {
            self.bell.ring();
        }
        true
    }

    /// At most so many, in the order in which they came; the bell rings on while there are more.
    pub fn take(&self, most: usize) -> Vec<HandUp> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = queue.waiting.len().min(most);
        let taken: Vec<HandUp> = queue.waiting.drain(..count).collect();
        for hand_up in &taken {
            queue.shares.leave(hand_up.peer.client.ip());
        }
        if queue.waiting.is_empty() {
            self.bell.silence();
        }
        taken
    }

    /// Can be read while something waits.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.bell.fd()
    }
}
