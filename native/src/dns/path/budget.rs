//! What a client's network may still be told of confidential lists.

use crate::dns::desk::Desk;
use crate::dns::query::{rcode, Query};
use crate::dns::reply::{self, Reply, Terms};
use crate::dns::standing::Decided;
use crate::dns::tally::Event;
use crate::index::Match;
use std::net::IpAddr;

/// What a network is told that was told enough: as little as can be, and always the same.
const REFUSAL: Reply<'_> = Reply {
    rcode: rcode::REFUSED,
    answers: 0,
    authorities: 0,
    body: &[],
    ede: &[],
    policy: true,
};

/// Whether a client's network was told so many entries that it is told nothing more.
pub fn is_spent(client: IpAddr, desk: &Desk<'_>) -> bool {
    desk.oracle.any_spent() && {
        let account = desk.oracle.account(client);
        desk.oracle.is_spent(account, desk.now.steady_s)
    }
}

/// Whether a client may be told what was decided about these matches; that is counted.
pub fn may_tell(decided: &Decided, found: &[Match], client: IpAddr, desk: &Desk<'_>) -> bool {
    let Some(entry) = decided.told.and_then(|place| found.get(place)) else {
        return true;
    };
    let account = desk.oracle.account(client);
    desk.oracle
        .tell(account, entry.reference, desk.now.steady_s)
}

pub fn refuse(query: &Query<'_>, terms: &Terms, desk: &mut Desk<'_>, out: &mut Vec<u8>) {
    desk.tally.event(Event::OracleRefused);
    reply::write(query, &REFUSAL, terms, out);
}
