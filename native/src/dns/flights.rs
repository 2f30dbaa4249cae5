//! Questions that an upstream is being asked, and who waits for each. Pure: clocks and sockets are outside.
//!
//! Equal questions share one flight, also against birthday attacks (RFC 5452 §5).

use crate::dns::shares::Shares;
use crate::dns::sockets::Peer;
use std::collections::{HashMap, VecDeque};

/// Who waits at once, of all client networks and of one: a flood of one network leaves room for the others.
const MAX_WAITERS: usize = 16_384;
const MAX_WAITERS_OF_NETWORK: usize = 4_096;

/// A query that waits for an upstream.
pub struct Waiter {
    pub packet: Box<[u8]>,
    pub peer: Peer,
    pub listener: usize,
    pub since_s: f64,
}

/// Under what an upstream's response is recognised: the socket it comes to, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sign {
    pub socket: usize,
    pub id: u16,
}

pub struct Flight {
    pub key: Box<[u8]>,
    /// QNAME in lower case, QTYPE and QCLASS.
    pub question: Box<[u8]>,
    pub sign: Sign,
    pub waiters: Vec<Waiter>,
    since_s: f64,
    number: u64,
}

pub struct Flights {
    flying: HashMap<Sign, Flight>,
    by_key: HashMap<Box<[u8]>, Sign>,
    /// In the order of their start; those that have landed are skipped.
    started: VecDeque<(u64, Sign)>,
    next_number: u64,
    waiters: Shares,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            flying: HashMap::new(),
            by_key: HashMap::new(),
            started: VecDeque::new(),
            next_number: 0,
            waiters: Shares::new(MAX_WAITERS, MAX_WAITERS_OF_NETWORK),
        }
    }
}

impl Flights {
    pub fn len(&self) -> usize {
        self.flying.len()
    }

    pub fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    /// Whether one more may wait; whoever is let in must `join` or `launch`, or `leave`.
    pub fn enter(&mut self, peer: &Peer) -> bool {
        self.waiters.enter(peer.client.ip())
    }

    pub fn leave(&mut self, peer: &Peer) {
        self.waiters.leave(peer.client.ip());
    }

    /// Waits for the flight with this key; gives the waiter back when there is none.
    pub fn join(&mut self, key: &[u8], waiter: Waiter) -> Result<(), Waiter> {
        let flight = self
            .by_key
            .get(key)
            .and_then(|sign| self.flying.get_mut(sign));
        match flight {
            Some(flight) => {
                flight.waiters.push(waiter);
                Ok(())
            }
            None => Err(waiter),
        }
    }

    pub fn is_taken(&self, sign: Sign) -> bool {
        self.flying.contains_key(&sign)
    }

    pub fn launch(&mut self, key: &[u8], question: &[u8], sign: Sign, waiter: Waiter) {
        let number = self.next_number;
        self.next_number += 1;
        self.by_key.insert(key.into(), sign);
        self.started.push_back((number, sign));
        let flight = Flight {
            key: key.into(),
            question: question.into(),
            sign,
            since_s: waiter.since_s,
            number,
            waiters: vec![waiter],
        };
        self.flying.insert(sign, flight);
    }

    pub fn find(&self, sign: Sign) -> Option<&Flight> {
        self.flying.get(&sign)
    }

    /// Ends a flight; its waiters no longer count.
    pub fn land(&mut self, sign: Sign) -> Option<Flight> {
        let flight = self.flying.remove(&sign)?;
        self.by_key.remove(&flight.key);
        for waiter in &flight.waiters {
            self.waiters.leave(waiter.peer.client.ip());
        }
        Some(flight)
    }

    /// The flight that started first, and when.
    pub fn oldest(&mut self) -> Option<(Sign, f64)> {
        while let Some((number, sign)) = self.started.front() {
            match self.flying.get(sign) {
                Some(flight) if flight.number == *number => return Some((*sign, flight.since_s)),
                _ => self.started.pop_front(),
            };
        }
        None
    }

    /// The flights whose responses would come to this socket.
    pub fn on_socket(&self, socket: usize) -> Vec<Sign> {
        self.flying
            .keys()
            .filter(|sign| sign.socket == socket)
            .copied()
            .collect()
    }

    pub fn all(&self) -> Vec<Sign> {
        self.flying.keys().copied().collect()
    }

    /// Whether those who wait from this client's network fill more than half of its room.
    pub fn is_crowded(&self, peer: &Peer) -> bool {
        self.waiters.of(peer.client.ip()) > MAX_WAITERS_OF_NETWORK / 2
    }
}
