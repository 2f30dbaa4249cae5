//! Questions on their way to the upstream and back.

use crate::dns::desk::Asked;
use crate::dns::flights::{Flight, Flights, Sign, Waiter};
use crate::dns::query;
use crate::dns::response::{self, Answer, Unusable};
use crate::dns::upstreams::Upstreams;
use crate::dns::waiting::Epoll;
use std::io;
use std::net::SocketAddr;

const MAX_RESPONSE_BYTES: usize = 65_535;

/// Why a question was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    /// Python has to find an upstream that can be asked.
    NoUpstream,
    /// As many wait as there is room for, of all clients or of this one's network.
    NoRoom,
}

/// What came to a port.
pub enum Arrival {
    /// An answer that says what the name has.
    Answer(Flight, Answer),
    /// Something that Python has to see to: cut off, an error, unreadable, or nobody listens there.
    Trouble(Vec<Flight>),
    /// Forged, late, or another's: as if nothing had come.
    Stray,
    /// Nothing more.
    End,
}

pub struct Misses {
    flights: Flights,
    upstreams: Upstreams,
    payload_bytes: u16,
    // Working space.
    query: Vec<u8>,
    response: Vec<u8>,
}

impl Misses {
    pub fn new(token_base: u64, payload_bytes: u16) -> io::Result<Self> {
        Ok(Self {
            flights: Flights::default(),
            upstreams: Upstreams::new(token_base)?,
            payload_bytes,
            query: Vec::new(),
            response: vec![0; MAX_RESPONSE_BYTES],
        })
    }

    pub fn choose(&mut self, upstream: Option<SocketAddr>) {
        self.upstreams.choose(upstream);
    }

    /// Has a query wait for its answer; sends the question unless it is on its way already.
    pub fn ask(
        &mut self,
        asked: &Asked,
        waiter: Waiter,
        epoll: &Epoll,
    ) -> Result<(), (NotAsked, Waiter)> {
        if !self.upstreams.is_known() {
            return Err((NotAsked::NoUpstream, waiter));
        }
        if !self.flights.enter(&waiter.peer) {
            return Err((NotAsked::NoRoom, waiter));
        }
        let Err(waiter) = self.flights.join(&asked.key, waiter) else {
            return Ok(());
        };
        let Ok(sign) = self.send(asked, epoll) else {
            self.flights.leave(&waiter.peer);
            return Err((NotAsked::NoUpstream, waiter));
        };
        self.flights
            .launch(&asked.key, &asked.question, sign, waiter);
        Ok(())
    }

    fn send(&mut self, asked: &Asked, epoll: &Epoll) -> io::Result<Sign> {
        let flights = &self.flights;
        let sign = self.upstreams.sign(epoll, |sign| flights.is_taken(sign))?;
        self.query.clear();
        query::write_upstream(
            &asked.question,
            sign.id,
            self.payload_bytes,
            asked.dnssec_ok,
            asked.checking_disabled,
            &mut self.query,
        );
        self.upstreams.send(sign, &self.query)?;
        Ok(sign)
    }

    /// The next thing that came to a port.
    pub fn receive(&mut self, port: usize) -> Arrival {
        let size = match self.upstreams.receive(port, &mut self.response) {
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                let signs = self.flights.on_socket(port);
                return Arrival::Trouble(self.land_all(signs));
            }
            Err(_) => return Arrival::End,
        };
        let packet = &self.response[..size];
        let Some((id, _)) = packet.split_first_chunk::<2>() else {
            return Arrival::Stray;
        };
        let sign = Sign {
            socket: port,
            id: u16::from_be_bytes(*id),
        };
        let Some(flight) = self.flights.find(sign) else {
            return Arrival::Stray;
        };
        let read = response::read(packet, &flight.question, sign.id);
        if matches!(read, Err(Unusable::Mismatch(_))) {
            return Arrival::Stray;
        }
        let Some(flight) = self.land(sign) else {
            return Arrival::Stray;
        };
        match read {
            Ok(answer) if answer.conclusive() && !answer.truncated => {
                Arrival::Answer(flight, answer)
            }
            _ => Arrival::Trouble(vec![flight]),
        }
    }

    /// A flight that started at `since_s` or before, with whether its network crowds the others.
    pub fn overdue(&mut self, since_s: f64) -> Option<(Flight, bool)> {
        let (sign, started_s) = self.flights.oldest()?;
        if started_s > since_s {
            return None;
        }
        let crowded = self.flights.find(sign).is_some_and(|flight| {
            flight
                .waiters
                .iter()
                .any(|waiter| self.flights.is_crowded(&waiter.peer))
        });
        Some((self.land(sign)?, crowded))
    }

    /// When the flight that started first did so.
    pub fn oldest_s(&mut self) -> Option<f64> {
        self.flights.oldest().map(|(_, started_s)| started_s)
    }

    /// Everything that is still in flight.
    pub fn abandon(&mut self) -> Vec<Flight> {
        let signs = self.flights.all();
        self.land_all(signs)
    }

    fn land(&mut self, sign: Sign) -> Option<Flight> {
        let flight = self.flights.land(sign)?;
        self.upstreams.landed(sign);
        Some(flight)
    }

    fn land_all(&mut self, signs: Vec<Sign>) -> Vec<Flight> {
        signs
            .into_iter()
            .filter_map(|sign| self.land(sign))
            .collect()
    }
}
