//! One packet: answered from what stands decided, or told what it needs. No sockets, no clock of its own.

use crate::dns::cache::{self, Judged};
use crate::dns::desk::{Asked, Desk, Now, Outcome, Rules};
use crate::dns::limits::{Limit, RateLimit};
use crate::dns::names;
use crate::dns::query::{self, flags::RD, rcode, Query, Read};
use crate::dns::reply::{self, Reply, Terms};
use crate::dns::response::Answer;
use crate::dns::standing::{Action, Decided, Judgement, Standing, Undecided};
use crate::dns::tally::Event;
use crate::index::Match;
use std::net::IpAddr;
use std::sync::Arc;

const CLASS_IN: u16 = 1;

/// What a network is told that was told enough: as little as can be, and always the same.
const REFUSAL: Reply<'_> = Reply {
    rcode: rcode::REFUSED,
    answers: 0,
    authorities: 0,
    body: &[],
    ede: &[],
    policy: true,
};

pub struct Path {
    rules: Rules,
    limit: RateLimit,
    asked: Asked,
    // Working space, kept so that no packet allocates.
    lower: Vec<u8>,
    host: Vec<u8>,
    body: Vec<u8>,
    found: Vec<Match>,
}

impl Path {
    pub fn new(rules: Rules, limit: RateLimit) -> Self {
        Self {
            rules,
            limit,
            asked: Asked::default(),
            lower: Vec::new(),
            host: Vec::new(),
            body: Vec::new(),
            found: Vec::new(),
        }
    }

    /// What was missing after `Outcome::Miss`.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    pub fn payload_bytes(&self) -> u16 {
        self.rules.payload_bytes
    }

    /// Whose lists hold for a client.
    pub fn profile(&self, client: IpAddr) -> u32 {
        self.rules.profiles.of(client)
    }

    /// Looks at one packet; an answer is appended to `out`.
    pub fn look(
        &mut self,
        packet: &[u8],
        client: IpAddr,
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let permitted = self.rules.networks.permits(client);
        let (query, readable) = match query::read(packet) {
            Read::Ignored => {
                desk.tally.event(Event::Ignored);
                return Outcome::Silent;
            }
            Read::Rejected { query, .. } => (query, false),
            Read::Query(query) => (query, true),
        };
        let (terms, limit) = self.admit(&query, client, desk);
        match limit {
            Limit::Pass => {}
            Limit::Slip => {
                reply::truncated(&query, &terms, out);
                return Outcome::Answered;
            }
            Limit::Drop => return Outcome::Silent,
        }
        if !permitted {
            desk.tally.event(Event::OutsideClients);
            reply::write(&query, &self.rules.outside.reply(), &terms, out);
            return Outcome::Answered;
        }
        let plain = readable && query.qclass() == CLASS_IN && !query.other_options;
        if !plain || !names::lower(query.name(), &mut self.lower) {
            return Outcome::HandUp(None);
        }
        if self.is_past_budget(client, desk) {
            desk.tally.event(Event::OracleRefused);
            reply::write(&query, &REFUSAL, &terms, out);
            return Outcome::Answered;
        }
        self.question(&query, client, &terms, desk, out)
    }

    /// Writes an upstream's answer, which may be told and is counted under `label`, to one who waits for it.
    pub fn write_answer(
        &mut self,
        packet: &[u8],
        client: IpAddr,
        (answer, label): (&Answer, u32),
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) {
        let Read::Query(query) = query::read(packet) else {
            return;
        };
        let (cookie, proven) = self.proof(&query, client, desk.now);
        let terms = self.terms(cookie, proven);
        if desk.oracle.any_spent()
            && names::lower(query.name(), &mut self.lower)
            && self.is_past_budget(client, desk)
        {
            desk.tally.event(Event::OracleRefused);
            reply::write(&query, &REFUSAL, &terms, out);
            return;
        }
        desk.tally.decided(label);
        self.body.clear();
        answer.aged_body(0, &mut self.body);
        reply::write(&query, &as_reply(answer, &self.body), &terms, out);
    }

    /// Whether the client's network was told so many entries that it is told nothing more: looked at before
    /// anything else, so that every name takes the same way. What no list can block passes, for it
    /// teaches nothing. The name asked for is in `lower`.
    fn is_past_budget(&mut self, client: IpAddr, desk: &Desk<'_>) -> bool {
        if !desk.oracle.any_spent() {
            return false;
        }
        let account = desk.oracle.account(client);
        if !desk.oracle.is_spent(account, desk.now.steady_s) {
            return false;
        }
        names::text(&self.lower, &mut self.host);
        desk.standing.local(&self.lower).is_none() && !desk.standing.protects(&self.host)
    }

    /// The judgement on an answer that may be told to the clients of a profile; else it is Python's turn.
    /// `question` is in lower case.
    pub fn judge_answer(
        &mut self,
        standing: &Standing,
        question: &[u8],
        profile: u32,
        answer: &Answer,
    ) -> Result<Judged, Option<Undecided>> {
        let (name, rest) = question.split_at(question.len() - 4);
        let qtype = u16::from_be_bytes([rest[0], rest[1]]);
        names::text(name, &mut self.host);
        let own = match standing.judge(&self.host, qtype, profile, &mut self.found) {
            Judgement::Unlisted => Own::unlisted(standing),
            Judgement::Known(decided) if decided.reply.is_none() => Own::of(decided, profile),
            Judgement::Unknown(undecided) => return Err(Some(undecided)),
            Judgement::Known(_) | Judgement::Unreadable => return Err(None),
        };
        self.judge_targets(standing, qtype, profile, answer, own)
    }

    fn question(
        &mut self,
        query: &Query<'_>,
        client: IpAddr,
        terms: &Terms,
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let standing = desk.standing;
        let profile = self.profile(client);
        let qtype = query.qtype();
        if !standing.holds_at(desk.now.wall_s) {
            return Outcome::HandUp(None);
        }
        let recursive = query.flags & RD != 0;
        let mut kept = None;
        if recursive {
            cache::key(
                &self.lower,
                qtype,
                query.dnssec_ok(),
                query.checking_disabled(),
                &mut self.asked.key,
            );
            if let Some(hit) = desk.cache.get(&self.asked.key, desk.now.steady_s) {
                if hit.judged.holds(standing.serial, profile) {
                    desk.tally.event(Event::CacheHit);
                    desk.tally.decided(hit.judged.label);
                    self.body.clear();
                    hit.answer.aged_body(hit.age_s, &mut self.body);
                    reply::write(query, &as_reply(hit.answer, &self.body), terms, out);
                    return Outcome::Answered;
                }
                kept = Some((Arc::clone(hit.answer), hit.age_s));
            }
        }
        if let Some(template) = standing.local(&self.lower) {
            desk.tally.event(Event::LocalZone);
            reply::write(query, &template.reply(), terms, out);
            return Outcome::Answered;
        }
        names::text(&self.lower, &mut self.host);
        let own = match standing.judge(&self.host, qtype, profile, &mut self.found) {
            Judgement::Unlisted => Own::unlisted(standing),
            Judgement::Known(decided) => {
                if let Some(template) = &decided.reply {
                    if may_tell(decided, &self.found, client, desk) {
                        desk.tally.decided(decided.label);
                        reply::write(query, &template.reply(), terms, out);
                    } else {
                        desk.tally.event(Event::OracleRefused);
                        reply::write(query, &REFUSAL, terms, out);
                    }
                    return Outcome::Answered;
                }
                Own::of(decided, profile)
            }
            Judgement::Unknown(undecided) => return Outcome::HandUp(Some(undecided)),
            Judgement::Unreadable => return Outcome::HandUp(None),
        };
        if !recursive || self.rules.never_forwarded.binary_search(&qtype).is_ok() {
            return Outcome::HandUp(None);
        }
        let Some((answer, age_s)) = kept else {
            self.asked.question.clear();
            self.asked.question.extend_from_slice(&self.lower);
            self.asked
                .question
                .extend_from_slice(&query.question[self.lower.len()..]);
            self.asked.dnssec_ok = query.dnssec_ok();
            self.asked.checking_disabled = query.checking_disabled();
            return Outcome::Miss;
        };
        match self.judge_targets(standing, qtype, profile, &answer, own) {
            Err(undecided) => Outcome::HandUp(undecided),
            Ok(judged) => {
                if let Some(hit) = desk.cache.get(&self.asked.key, desk.now.steady_s) {
                    *hit.judged = judged;
                }
                desk.tally.event(Event::CacheHit);
                desk.tally.decided(judged.label);
                self.body.clear();
                answer.aged_body(age_s, &mut self.body);
                reply::write(query, &as_reply(&answer, &self.body), terms, out);
                Outcome::Answered
            }
        }
    }

    /// The judgement on an answer of a name that passes, unless it is Python's turn: something that it leads
    /// to is listed, or not yet decided.
    fn judge_targets(
        &mut self,
        standing: &Standing,
        qtype: u16,
        profile: u32,
        answer: &Answer,
        mut own: Own,
    ) -> Result<Judged, Option<Undecided>> {
        for target in &answer.hosts {
            if !names::lower(target, &mut self.lower) {
                return Err(None);
            }
            names::text(&self.lower, &mut self.host);
            match standing.judge(&self.host, qtype, profile, &mut self.found) {
                Judgement::Unlisted => {}
                Judgement::Known(decided) => {
                    own.profile = profile;
                    match decided.action {
                        Action::Block => return Err(None),
                        Action::Observe if own.allowed => own = Own::of(decided, profile),
                        Action::Observe | Action::Allow | Action::Steer => {}
                    }
                }
                Judgement::Unknown(undecided) => return Err(Some(undecided)),
                Judgement::Unreadable => return Err(None),
            }
        }
        Ok(Judged {
            serial: standing.serial,
            label: own.label,
            profile: own.profile,
        })
    }

    /// The terms for a client, and whether it is answered at all.
    fn admit(&mut self, query: &Query<'_>, client: IpAddr, desk: &mut Desk<'_>) -> (Terms, Limit) {
        let (cookie, proven) = self.proof(query, client, desk.now);
        let limit = if proven {
            desk.tally.event(Event::CookieProven);
            Limit::Pass
        } else {
            self.limit.take(client, (desk.now.steady_s * 1000.0) as u64)
        };
        match limit {
            Limit::Pass => {}
            Limit::Slip => desk.tally.event(Event::Slipped),
            Limit::Drop => desk.tally.event(Event::RateLimited),
        }
        (self.terms(cookie, proven), limit)
    }

    fn proof(&self, query: &Query<'_>, client: IpAddr, now: Now) -> (Option<[u8; 24]>, bool) {
        query.cookie.map_or((None, false), |cookie| {
            let checked = self.rules.cookies.check(cookie, client, now.wall_s as u64);
            (Some(checked.answer), checked.proven)
        })
    }

    fn terms(&self, cookie: Option<[u8; 24]>, proven: bool) -> Terms {
        Terms {
            payload_bytes: self.rules.payload_bytes,
            stream: false,
            proven,
            cookie,
        }
    }
}

/// What an answer is counted under.
#[derive(Debug, Clone, Copy)]
struct Own {
    label: u32,
    /// Allowed, so that what the answer leads to may have something to say.
    allowed: bool,
    /// For whom.
    profile: u32,
}

impl Own {
    fn unlisted(standing: &Standing) -> Self {
        Self {
            label: standing.unlisted,
            allowed: true,
            profile: Judged::FOR_EVERY_PROFILE,
        }
    }

    fn of(decided: &Decided, profile: u32) -> Self {
        Self {
            label: decided.label,
            allowed: decided.action == Action::Allow,
            profile,
        }
    }
}

/// Whether a client may be told what was decided about these matches; that is counted.
fn may_tell(decided: &Decided, found: &[Match], client: IpAddr, desk: &Desk<'_>) -> bool {
    let Some(entry) = decided.told.and_then(|place| found.get(place)) else {
        return true;
    };
    let account = desk.oracle.account(client);
    desk.oracle
        .tell(account, entry.reference, desk.now.steady_s)
}

fn as_reply<'a>(answer: &'a Answer, body: &'a [u8]) -> Reply<'a> {
    Reply {
        rcode: answer.rcode,
        answers: answer.answers,
        authorities: answer.authorities,
        body,
        ede: &answer.ede,
        policy: false,
    }
}
