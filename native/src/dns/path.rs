//! One packet: answered from what stands decided, or told what it needs. No sockets, no clock of its own.

mod admission;
mod budget;
mod judge;

use crate::dns::cache::{self, Judged};
use crate::dns::clients::Profiles;
use crate::dns::desk::{Asked, Desk, Outcome, Rules};
use crate::dns::limits::RateLimit;
use crate::dns::names;
use crate::dns::query::{self, flags::RD, Query, Read};
use crate::dns::reply::{self, Reply, Terms};
use crate::dns::response::Answer;
use crate::dns::standing::{Standing, Undecided};
use crate::dns::tally::Event;
use admission::Admission;
use judge::{Judge, Ruling};
use std::net::IpAddr;
use std::sync::Arc;

const CLASS_IN: u16 = 1;

pub struct Path {
    admission: Admission,
    profiles: Profiles,
    /// Ascending.
    never_forwarded: Vec<u16>,
    judge: Judge,
    asked: Asked,
    // Working space, kept so that no packet allocates.
    name: Vec<u8>,
    body: Vec<u8>,
}

impl Path {
    pub fn new(rules: Rules, limit: RateLimit) -> Self {
        Self {
            admission: Admission {
                networks: rules.networks,
                cookies: rules.cookies,
                limit,
                outside: rules.outside,
                payload_bytes: rules.payload_bytes,
            },
            profiles: rules.profiles,
            never_forwarded: rules.never_forwarded,
            judge: Judge::default(),
            asked: Asked::default(),
            name: Vec::new(),
            body: Vec::new(),
        }
    }

    /// What was missing after `Outcome::Miss`.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    pub fn payload_bytes(&self) -> u16 {
        self.admission.payload_bytes
    }

    /// Whose lists hold for a client.
    pub fn profile(&self, client: IpAddr) -> u32 {
        self.profiles.of(client)
    }

    /// Looks at one packet; an answer is appended to `out`.
    pub fn look(
        &mut self,
        packet: &[u8],
        client: IpAddr,
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (query, readable) = match query::read(packet) {
            Read::Ignored => {
                desk.tally.event(Event::Ignored);
                return Outcome::Silent;
            }
            Read::Rejected { query, .. } => (query, false),
            Read::Query(query) => (query, true),
        };
        let terms = match self.admission.admit(&query, client, desk, out) {
            Ok(terms) => terms,
            Err(outcome) => return outcome,
        };
        let plain = readable && query.qclass() == CLASS_IN && !query.other_options;
        if !plain || !names::lower(query.name(), &mut self.name) {
            return Outcome::HandUp(None);
        }
        if self.is_past_budget(client, desk) {
            budget::refuse(&query, &terms, desk, out);
            return Outcome::Answered;
        }
        self.answer(&query, client, &terms, desk, out)
            .unwrap_or_else(Outcome::HandUp)
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
        let terms = self.admission.terms(&query, client, desk.now);
        if desk.oracle.any_spent()
            && names::lower(query.name(), &mut self.name)
            && self.is_past_budget(client, desk)
        {
            budget::refuse(&query, &terms, desk, out);
            return;
        }
        desk.tally.decided(label);
        self.write_aged(&query, answer, 0, &terms, out);
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
        self.judge.answer(standing, question, profile, answer)
    }

    /// Whether nothing more is told about the name in `name`: looked at before anything else, so that
    /// every name takes the same way. What no list can block passes, for it teaches nothing.
    fn is_past_budget(&mut self, client: IpAddr, desk: &Desk<'_>) -> bool {
        budget::is_spent(client, desk) && self.judge.may_be_blocked(desk.standing, &self.name)
    }

    /// Answers for the name in `name`, unless it is Python's turn.
    fn answer(
        &mut self,
        query: &Query<'_>,
        client: IpAddr,
        terms: &Terms,
        desk: &mut Desk<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Option<Undecided>> {
        let standing = desk.standing;
        let profile = self.profile(client);
        let qtype = query.qtype();
        if !standing.holds_at(desk.now.wall_s) {
            return Err(None);
        }
        let recursive = query.flags & RD != 0;
        let mut kept = None;
        if recursive {
            self.write_key(query);
            if let Some(hit) = desk.cache.get(&self.asked.key, desk.now.steady_s) {
                if hit.judged.holds(standing.serial, profile) {
                    desk.tally.event(Event::CacheHit);
                    desk.tally.decided(hit.judged.label);
                    self.write_aged(query, hit.answer, hit.age_s, terms, out);
                    return Ok(Outcome::Answered);
                }
                kept = Some((Arc::clone(hit.answer), hit.age_s));
            }
        }
        if let Some(template) = standing.local(&self.name) {
            desk.tally.event(Event::LocalZone);
            reply::write(query, &template.reply(), terms, out);
            return Ok(Outcome::Answered);
        }
        let passing = match self.judge.name(standing, &self.name, qtype, profile)? {
            Ruling::Pass(passing) => passing,
            Ruling::Reply(decided, template) => {
                if budget::may_tell(decided, self.judge.found(), client, desk) {
                    desk.tally.decided(decided.label);
                    reply::write(query, &template.reply(), terms, out);
                } else {
                    budget::refuse(query, terms, desk, out);
                }
                return Ok(Outcome::Answered);
            }
        };
        if !recursive || self.never_forwarded.binary_search(&qtype).is_ok() {
            return Err(None);
        }
        let Some((answer, age_s)) = kept else {
            self.write_asked(query);
            return Ok(Outcome::Miss);
        };
        let judged = self
            .judge
            .targets(standing, qtype, profile, &answer, passing)?;
        if let Some(hit) = desk.cache.get(&self.asked.key, desk.now.steady_s) {
            *hit.judged = judged;
        }
        desk.tally.event(Event::CacheHit);
        desk.tally.decided(judged.label);
        self.write_aged(query, &answer, age_s, terms, out);
        Ok(Outcome::Answered)
    }

    /// Under what an answer to a query is kept.
    fn write_key(&mut self, query: &Query<'_>) {
        cache::key(
            &self.name,
            query.qtype(),
            query.dnssec_ok(),
            query.checking_disabled(),
            &mut self.asked.key,
        );
    }

    /// What an upstream is to be asked, besides the key.
    fn write_asked(&mut self, query: &Query<'_>) {
        let asked = &mut self.asked;
        asked.question.clear();
        asked.question.extend_from_slice(&self.name);
        asked
            .question
            .extend_from_slice(&query.question[self.name.len()..]);
        asked.dnssec_ok = query.dnssec_ok();
        asked.checking_disabled = query.checking_disabled();
    }

    /// Appends an upstream's answer of some age.
    fn write_aged(
        &mut self,
        query: &Query<'_>,
        answer: &Answer,
        age_s: u32,
        terms: &Terms,
        out: &mut Vec<u8>,
    ) {
        self.body.clear();
        answer.aged_body(age_s, &mut self.body);
        let reply = Reply {
            rcode: answer.rcode,
            answers: answer.answers,
            authorities: answer.authorities,
            body: &self.body,
            ede: &answer.ede,
            policy: false,
        };
        reply::write(query, &reply, terms, out);
    }
}
