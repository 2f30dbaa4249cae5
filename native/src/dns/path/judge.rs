//! What a generation says of a name that is asked for, and of all that its answer leads to.

use crate::dns::cache::Judged;
use crate::dns::names;
use crate::dns::response::Answer;
use crate::dns::standing::{Action, Decided, Judgement, Standing, Template, Undecided};
use crate::index::Match;

/// Only working space, kept so that no packet allocates.
#[derive(Default)]
pub struct Judge {
    target: Vec<u8>,
    host: Vec<u8>,
    found: Vec<Match>,
}

/// What comes of a name.
pub enum Ruling<'a> {
    /// Its answer may be told, unless that leads to something listed.
    Pass(Passing),
    /// Python composed what is said instead.
    Reply(&'a Decided, &'a Template),
}

/// What the answer of a name that passes is counted under.
#[derive(Debug, Clone, Copy)]
pub struct Passing {
    label: u32,
    /// Allowed, so that what the answer leads to may have something to say.
    allowed: bool,
    /// For whom.
    profile: u32,
}

impl Passing {
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

impl Judge {
    /// What comes of a name (wire form, lower case) that a client of a profile asks for, unless it is
    /// Python's turn: with the decision that it has not told yet, if that is the reason.
    // Out of line it costs a listed name 43 instructions more, of 3,600.
    #[inline]
    pub fn name<'a>(
        &mut self,
        standing: &'a Standing,
        name: &[u8],
        qtype: u16,
        profile: u32,
    ) -> Result<Ruling<'a>, Option<Undecided>> {
        names::text(name, &mut self.host);
        match standing.judge(&self.host, qtype, profile, &mut self.found) {
            Judgement::Unlisted => Ok(Ruling::Pass(Passing::unlisted(standing))),
            Judgement::Known(decided) => Ok(match &decided.reply {
                Some(template) => Ruling::Reply(decided, template),
                None => Ruling::Pass(Passing::of(decided, profile)),
            }),
            Judgement::Unknown(undecided) => Err(Some(undecided)),
            Judgement::Unreadable => Err(None),
        }
    }

    /// The judgement on the answer of a name that passes, unless it is Python's turn: something that it
    /// leads to is listed, or not yet decided.
    pub fn targets(
        &mut self,
        standing: &Standing,
        qtype: u16,
        profile: u32,
        answer: &Answer,
        mut passing: Passing,
    ) -> Result<Judged, Option<Undecided>> {
        for target in &answer.hosts {
            if !names::lower(target, &mut self.target) {
                return Err(None);
            }
            names::text(&self.target, &mut self.host);
            match standing.judge(&self.host, qtype, profile, &mut self.found) {
                Judgement::Unlisted => {}
                Judgement::Known(decided) => {
                    passing.profile = profile;
                    match decided.action {
                        Action::Block => return Err(None),
                        Action::Observe if passing.allowed => {
                            passing = Passing::of(decided, profile);
                        }
                        Action::Observe | Action::Allow | Action::Steer => {}
                    }
                }
                Judgement::Unknown(undecided) => return Err(Some(undecided)),
                Judgement::Unreadable => return Err(None),
            }
        }
        Ok(Judged {
            serial: standing.serial,
            label: passing.label,
            profile: passing.profile,
        })
    }

    /// The judgement on an answer that may be told, unless it is Python's turn.
    /// `question`: QNAME in lower case, QTYPE and QCLASS.
    pub fn answer(
        &mut self,
        standing: &Standing,
        question: &[u8],
        profile: u32,
        answer: &Answer,
    ) -> Result<Judged, Option<Undecided>> {
        let (name, rest) = question.split_at(question.len() - 4);
        let qtype = u16::from_be_bytes([rest[0], rest[1]]);
        match self.name(standing, name, qtype, profile)? {
            Ruling::Pass(passing) => self.targets(standing, qtype, profile, answer, passing),
            Ruling::Reply(..) => Err(None),
        }
    }

    /// Whether a list could block a name: neither a local zone nor a `protect` list holds it.
    pub fn may_be_blocked(&mut self, standing: &Standing, name: &[u8]) -> bool {
        names::text(name, &mut self.host);
        standing.local(name).is_none() && !standing.protects(&self.host)
    }

    /// The matches of the name that was looked at last.
    pub fn found(&self) -> &[Match] {
        &self.found
    }
}
