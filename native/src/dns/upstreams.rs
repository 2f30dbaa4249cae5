//! Sockets to the upstream: connected, on random ports, each for a while.
//!
//! A response is taken only from the upstream's address, on the very port its query left from, with the
//! query's random id: as many unknown bits as a port for each query would give (RFC 5452 §4.5, §9), since
//! nobody off the path can tell which of the open ports a query used.

use crate::dns::flights::Sign;
use crate::dns::waiting::{fill_random, Epoll};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

/// Ports in use at a time.
const POOL: usize = 64;
/// Queries that leave from one port before another takes its place.
const MAX_SENT: u32 = 2048;
const RANDOM_BYTES: usize = 4096;

struct Port {
    socket: UdpSocket,
    sent: u32,
    flying: u32,
    retired: bool,
}

pub struct Upstreams {
    address: Option<SocketAddr>,
    ports: Vec<Option<Port>>,
    /// Places in `ports` that new queries may leave from.
    open: Vec<usize>,
    random: Random,
    token_base: u64,
}

impl Upstreams {
    /// `token_base + place` is what `Epoll` tells when a port has something.
    pub fn new(token_base: u64) -> io::Result<Self> {
        Ok(Self {
            address: None,
            ports: Vec::new(),
            open: Vec::new(),
            random: Random::new()?,
            token_base,
        })
    }

    pub fn is_known(&self) -> bool {
        self.address.is_some()
    }

    /// Asks another upstream from now on, or none; answers of the one before are still awaited.
    pub fn choose(&mut self, address: Option<SocketAddr>) {
        if address == self.address {
            return;
        }
        self.address = address;
        for place in std::mem::take(&mut self.open) {
            if let Some(port) = &mut self.ports[place] {
                port.retired = true;
            }
            self.close_if_done(place);
        }
    }

    /// A sign for a new query that is not taken, on a random port.
    pub fn sign(&mut self, epoll: &Epoll, is_taken: impl Fn(Sign) -> bool) -> io::Result<Sign> {
        if self.open.len() < POOL {
            self.open_port(epoll)?;
        }
        loop {
            let [a, b, c, d] = self.random.four()?;
            let socket = self.open[usize::from(u16::from_ne_bytes([a, b])) % self.open.len()];
            let id = u16::from_ne_bytes([c, d]);
            let sign = Sign { socket, id };
            if !is_taken(sign) {
                return Ok(sign);
            }
        }
    }

    pub fn send(&mut self, sign: Sign, query: &[u8]) -> io::Result<()> {
        let Some(port) = &mut self.ports[sign.socket] else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        port.socket.send(query)?;
        port.sent += 1;
        port.flying += 1;
        if port.sent >= MAX_SENT {
            port.retired = true;
            self.open.retain(|&place| place != sign.socket);
        }
        Ok(())
    }

    /// The next response that came to a port; `ConnectionRefused`: nobody listens there.
    pub fn receive(&self, place: usize, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ports.get(place) {
            Some(Some(port)) => port.socket.recv(buffer),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// A query that was sent is no longer waited for.
    pub fn landed(&mut self, sign: Sign) {
        if let Some(port) = &mut self.ports[sign.socket] {
            port.flying -= 1;
        }
        self.close_if_done(sign.socket);
    }

    fn close_if_done(&mut self, place: usize) {
        if matches!(&self.ports[place], Some(port) if port.retired && port.flying == 0) {
            self.ports[place] = None;
        }
    }

    fn open_port(&mut self, epoll: &Epoll) -> io::Result<()> {
        let Some(address) = self.address else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        let free = self.ports.iter().position(Option::is_none);
        let place = free.unwrap_or(self.ports.len());
        if free.is_none() {
            self.ports.push(None);
        }
        epoll.add(socket.as_fd(), self.token_base + place as u64)?;
        self.ports[place] = Some(Port {
            socket,
            sent: 0,
            flying: 0,
            retired: false,
        });
        self.open.push(place);
        Ok(())
    }
}

/// The kernel's random bytes, fetched many at a time.
struct Random {
    bytes: Box<[u8; RANDOM_BYTES]>,
    at: usize,
}

impl Random {
    fn new() -> io::Result<Self> {
        let mut random = Self {
            bytes: Box::new([0; RANDOM_BYTES]),
            at: 0,
        };
        fill_random(&mut *random.bytes)?;
        Ok(random)
    }

    fn four(&mut self) -> io::Result<[u8; 4]> {
        if self.at == RANDOM_BYTES {
            fill_random(&mut *self.bytes)?;
            self.at = 0;
        }
        let mut four = [0; 4];
        four.copy_from_slice(&self.bytes[self.at..self.at + 4]);
        self.at += 4;
        Ok(four)
    }
}
