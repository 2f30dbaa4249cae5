//! Sockets that ask and hear, and whom they tell.

use std::io;
use std::net::UdpSocket;
use std::ops::Range;
use std::time::Duration;

use crate::answer::{self, judge, Judgement};
use crate::batch::Batch;
use crate::clock::now_ns;
use crate::flight::{Flight, Query};
use crate::order::Order;
use crate::query::{self, opt, MAX_BYTES};
use crate::questions::Question;
use crate::random::Random;

const DATAGRAMS: usize = 64;
const ANSWER_BYTES: usize = 2048;

/// Who takes note of what is asked and heard.
pub trait Listener {
    fn asked(&mut self, late_ns: u64);
    fn heard(&mut self, query: &Query, judgement: Judgement, message: &[u8], now_ns: u64);
    /// An answer to nothing under way: late, or sent twice.
    fn unexpected(&mut self);
}

pub struct Asker<'a> {
    questions: &'a [Question],
    sockets: Vec<UdpSocket>,
    flights: Vec<Flight>,
    opts: Vec<Vec<u8>>,
    outgoing: Vec<Batch<MAX_BYTES>>,
    incoming: Batch<ANSWER_BYTES>,
}

impl<'a> Asker<'a> {
    pub fn new(
        questions: &'a [Question],
        sockets: Vec<UdpSocket>,
        edns: bool,
        random: &mut Random,
    ) -> Self {
        Self {
            questions,
            flights: sockets
                .iter()
                .map(|_| Flight::new(random.next() as u16))
                .collect(),
            opts: vec![opt(edns, None); sockets.len()],
            outgoing: sockets.iter().map(|_| Batch::new(DATAGRAMS)).collect(),
            incoming: Batch::new(DATAGRAMS),
            sockets,
        }
    }

    pub fn sockets(&self) -> &[UdpSocket] {
        &self.sockets
    }

    pub fn places(&self) -> Range<usize> {
        0..self.sockets.len()
    }

    /// Ask once on every socket for the server's cookie, and send it from then on (RFC 7873 section 5).
    pub fn learn_cookies(&mut self, random: &mut Random) -> Result<(), String> {
        for place in self.places() {
            let client = random.next().to_be_bytes();
            let mut buffer = [0; MAX_BYTES];
            let first = opt(true, Some(&client));
            let bytes = query::write(&mut buffer, 0, None, &self.questions[0], &first);
            let answered = ask_blocking(&self.sockets[place], &buffer[..bytes])
                .map_err(|error| format!("asking for a cookie: {error}"))?;
            let cookie = answer::cookie(&answered).filter(|cookie| cookie.starts_with(&client));
            let cookie = cookie.ok_or("the server gives no cookie")?;
            self.opts[place] = opt(true, Some(&cookie));
        }
        Ok(())
    }

    /// Ask what `order` has next, not sent before the batch is full or `flush`ed; false when it has nothing.
    pub fn ask(
        &mut self,
        place: usize,
        due_ns: u64,
        order: &mut Order,
        listener: &mut impl Listener,
    ) -> io::Result<bool> {
        let Some((number, unique)) = order.next() else {
            return Ok(false);
        };
        let id = self.flights[place].launch(Query {
            due_ns,
            unique,
            question: number,
        });
        let question = &self.questions[number as usize];
        let opt = &self.opts[place];
        self.outgoing[place].push(|buffer| query::write(buffer, id, unique, question, opt));
        listener.asked(now_ns().saturating_sub(due_ns));
        if self.outgoing[place].is_full() {
            self.flush(place)?;
        }
        Ok(true)
    }

    /// Ask until `under_way` queries of this socket are.
    pub fn fill(
        &mut self,
        place: usize,
        under_way: usize,
        order: &mut Order,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        let now = now_ns();
        while self.flights[place].under_way() < under_way {
            if !self.ask(place, now, order, listener)? {
                break;
            }
        }
        self.flush(place)
    }

    pub fn flush(&mut self, place: usize) -> io::Result<()> {
        self.outgoing[place].send_segmented(&self.sockets[place])
    }

    /// Take one batch of answers.
    pub fn hear(&mut self, place: usize, listener: &mut impl Listener) -> io::Result<()> {
        let received = self.incoming.receive(&self.sockets[place])?;
        let now = now_ns();
        for number in 0..received {
            let message = self.incoming.packet(number);
            let id = message
                .first_chunk()
                .map_or(0, |id| u16::from_be_bytes(*id));
            let Some(query) = self.flights[place].land(id) else {
                listener.unexpected();
                continue;
            };
            let question = &self.questions[query.question as usize];
            let judgement = judge(message, query.unique, question);
            listener.heard(&query, judgement, message, now);
        }
        Ok(())
    }

    /// Give up what was due before `deadline_ns`.
    pub fn expire(&mut self, deadline_ns: u64) {
        for flight in &mut self.flights {
            flight.expire(deadline_ns);
        }
    }

    pub fn under_way(&self) -> usize {
        self.flights.iter().map(Flight::under_way).sum()
    }

    pub fn lost(&self) -> u64 {
        self.flights.iter().map(Flight::lost).sum()
    }
}

fn ask_blocking(socket: &UdpSocket, query: &[u8]) -> io::Result<Vec<u8>> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.send(query)?;
    let mut buffer = vec![0; ANSWER_BYTES];
    let bytes = socket.recv(&mut buffer)?;
    buffer.truncate(bytes);
    socket.set_nonblocking(true)?;
    Ok(buffer)
}
