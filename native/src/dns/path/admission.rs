//! Who is answered, and on what terms: the access list, the cookie, the rate limit.

use crate::dns::clients::Networks;
use crate::dns::cookies::Cookies;
use crate::dns::desk::{Desk, Now, Outcome};
use crate::dns::limits::{Limit, RateLimit};
use crate::dns::query::Query;
use crate::dns::reply::{self, Terms};
use crate::dns::standing::Template;
use crate::dns::tally::Event;
use std::net::IpAddr;

pub struct Admission {
    pub networks: Networks,
    pub cookies: Cookies,
    pub limit: RateLimit,
    /// What a client outside the networks is told.
    pub outside: Template,
    pub payload_bytes: u16,
}

impl Admission {
    /// The terms for a client that is heard; else what came of its query, with what it is told in `out`.
    pub fn admit(
        &mut self,
        query: &Query<'_>,
        client: IpAddr,
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Terms, Outcome> {
        let terms = self.terms(query, client, desk.now);
        if terms.proven {
            desk.tally.event(Event::CookieProven);
        } else {
            match self.limit.take(client, (desk.now.steady_s * 1000.0) as u64) {
                Limit::Pass => {}
                Limit::Slip => {
                    desk.tally.event(Event::Slipped);
                    reply::truncated(query, &terms, out);
                    return Err(Outcome::Answered);
                }
                Limit::Drop => {
                    desk.tally.event(Event::RateLimited);
                    return Err(Outcome::Silent);
                }
            }
        }
        if !self.networks.permits(client) {
            desk.tally.event(Event::OutsideClients);
            reply::write(query, &self.outside.reply(), &terms, out);
            return Err(Outcome::Answered);
        }
        Ok(terms)
    }

    /// How a client is answered, by what it proves with its cookie.
    pub fn terms(&self, query: &Query<'_>, client: IpAddr, now: Now) -> Terms {
        let checked = query
            .cookie
            .map(|cookie| self.cookies.check(cookie, client, now.wall_s as u64));
        Terms {
            payload_bytes: self.payload_bytes,
            stream: false,
            proven: checked.as_ref().is_some_and(|checked| checked.proven),
            cookie: checked.map(|checked| checked.answer),
        }
    }
}
