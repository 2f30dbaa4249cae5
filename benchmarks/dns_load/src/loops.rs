//! The two ways to ask: each answer lets the next query go, or queries go at a fixed rate whatever comes back.

use std::io;
use std::ops::Range;

use crate::asker::{Asker, Listener};
use crate::clock::now_ns;
use crate::order::Order;
use crate::poller::Poller;
use crate::stop::stopped;

/// How often is looked for what will not be answered any more.
const EXPIRY_NS: u64 = 50_000_000;

/// Asks and waits; a query unanswered after `timeout_ns` is lost.
pub struct Loop<'a> {
    pub asker: Asker<'a>,
    pub poller: Poller,
    pub timeout_ns: u64,
}

impl Loop<'_> {
    /// Keep `under_way` queries under way on each socket in `places`, until the time or the order ends.
    pub fn closed(
        &mut self,
        places: Range<usize>,
        under_way: usize,
        order: &mut Order,
        until_ns: u64,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        for place in places.clone() {
            self.asker.fill(place, under_way, order, listener)?;
        }
        let mut expiry = now_ns() + EXPIRY_NS;
        loop {
            let now = now_ns();
            if now >= until_ns || stopped() || self.asker.under_way() == 0 {
                return Ok(());
            }
            for place in self.poller.wait((until_ns - now).min(EXPIRY_NS))? {
                self.asker.hear(place, listener)?;
                if places.contains(&place) {
                    self.asker.fill(place, under_way, order, listener)?;
                }
            }
            if now >= expiry {
                self.asker.expire(now.saturating_sub(self.timeout_ns));
                for place in places.clone() {
                    self.asker.fill(place, under_way, order, listener)?;
                }
                expiry = now + EXPIRY_NS;
            }
        }
    }

    /// Send query number N at `from_ns` + N / rate, on the sockets in turn. What could not be sent in time
    /// is sent later, and measured from when it was due.
    pub fn open(
        &mut self,
        per_s: f64,
        order: &mut Order,
        from_ns: u64,
        until_ns: u64,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        let places = self.asker.places();
        let due_ns = |number: u64| from_ns + (number as f64 * 1e9 / per_s) as u64;
        let mut sent = 0;
        let mut expiry = from_ns + EXPIRY_NS;
        loop {
            let now = now_ns();
            if now >= until_ns || stopped() {
                return Ok(());
            }
            // Answers are heard in between, however far behind the sending is.
            let bound = sent + 16 * places.len() as u64;
            while due_ns(sent) <= now && sent < bound {
                let place = (sent % places.len() as u64) as usize;
                self.asker.ask(place, due_ns(sent), order, listener)?;
                sent += 1;
            }
            for place in places.clone() {
                self.asker.flush(place)?;
            }
            let wait = due_ns(sent).saturating_sub(now_ns()).min(EXPIRY_NS);
            for place in self.poller.wait(wait)? {
                self.asker.hear(place, listener)?;
            }
            if now >= expiry {
                self.asker.expire(now.saturating_sub(self.timeout_ns));
                expiry = now + EXPIRY_NS;
            }
        }
    }

    /// Ask nothing more, and hear what is still under way.
    pub fn drain(&mut self, listener: &mut impl Listener) -> io::Result<()> {
        while self.asker.under_way() > 0 {
            for place in self.poller.wait(EXPIRY_NS)? {
                self.asker.hear(place, listener)?;
            }
            self.asker.expire(now_ns().saturating_sub(self.timeout_ns));
        }
        Ok(())
    }
}
