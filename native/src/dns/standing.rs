//! What stands decided: the index in force, and what Python said about what is found in it.

use crate::canonical;
use crate::dns::reply::Reply;
use crate::index::{Index, Match};
use crate::protected::Protected;
use crate::question::{as_host, Codes};
use std::collections::HashMap;
use std::sync::Arc;

/// Distinct answers remembered: lists times kinds times query types stay far below.
const MAX_DECIDED: usize = 4096;

/// A reply that Python composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub rcode: u16,
    pub answers: u16,
    pub authorities: u16,
    pub body: Vec<u8>,
    pub ede: Vec<u16>,
    pub policy: bool,
}

impl Template {
    pub fn reply(&self) -> Reply<'_> {
        Reply {
            rcode: self.rcode,
            answers: self.answers,
            authorities: self.authorities,
            body: &self.body,
            ede: &self.ede,
            policy: self.policy,
        }
    }
}

/// What Python calls the same (`cop_filter.verdict.Action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Allow,
    Observe,
    Steer,
    Block,
}

/// What Python said about one set of matches and one query type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What to count it under.
    pub label: u32,
    pub action: Action,
    /// What is said at once; `None`: the question may go on.
    pub reply: Option<Template>,
    /// Which of the matches the reply tells of, if that is an entry of a confidential list.
    pub told: Option<usize>,
}

/// A name that the resolver answers itself, with all below it.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Wire form, lower case.
    pub name: Vec<u8>,
    pub reply: Template,
}

/// What Python has not said yet: what these matches mean for a query type and the clients of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Undecided {
    pub codes: Codes,
    pub qtype: u16,
    pub profile: u32,
}

#[derive(Debug, Clone)]
pub enum Judgement<'a> {
    Unlisted,
    Known(&'a Decided),
    Unknown(Undecided),
    /// No canonical form: Python knows what to do.
    Unreadable,
}

/// One generation, as far as it is decided. Serial numbers tell the generations' judgements apart.
pub struct Standing {
    pub serial: u32,
    /// The label of a name that is on no list.
    pub unlisted: u32,
    index: Option<Arc<Index>>,
    /// Wall-clock seconds between which what Python said stays true: exemptions begin and end.
    holds: (f64, f64),
    zones: Vec<Zone>,
    protected: Option<Arc<Protected>>,
    decided: HashMap<Undecided, Decided>,
}

impl Standing {
    pub fn new(
        serial: u32,
        index: Option<Arc<Index>>,
        unlisted: u32,
        holds: (f64, f64),
        zones: Vec<Zone>,
        protected: Option<Arc<Protected>>,
    ) -> Self {
        Self {
            serial,
            unlisted,
            index,
            holds,
            zones,
            protected,
            decided: HashMap::new(),
        }
    }

    pub fn holds_at(&self, wall_s: f64) -> bool {
        self.holds.0 <= wall_s && wall_s < self.holds.1
    }

    /// The reply for a name of a local zone; `name` in wire form, lower case.
    pub fn local(&self, name: &[u8]) -> Option<&Template> {
        let zone = self.zones.iter().find(|zone| is_within(name, &zone.name))?;
        Some(&zone.reply)
    }

    /// Whether no list can block a host.
    pub fn protects(&self, host: &[u8]) -> bool {
        self.protected
            .as_ref()
            .is_some_and(|protected| protected.holds(host))
    }

    /// What stands decided about a host that a client of a profile asks for; `found` is working space.
    pub fn judge(
        &self,
        host: &[u8],
        qtype: u16,
        profile: u32,
        found: &mut Vec<Match>,
    ) -> Judgement<'_> {
        match self.codes(host, found) {
            Err(_) => Judgement::Unreadable,
            Ok(Codes::None) => Judgement::Unlisted,
            Ok(codes) => {
                let asked = Undecided {
                    codes,
                    qtype,
                    profile,
                };
                match self.decided.get(&asked) {
                    Some(decided) => Judgement::Known(decided),
                    None => Judgement::Unknown(asked),
                }
            }
        }
    }

    /// Remembers what Python said.
    pub fn learn(&mut self, asked: Undecided, decided: Decided) {
        if self.decided.len() >= MAX_DECIDED {
            self.decided.clear();
        }
        self.decided.insert(asked, decided);
    }

    /// What Python has spoken about.
    pub fn learned(&self) -> impl Iterator<Item = &Undecided> {
        self.decided.keys()
    }

    fn codes(&self, host: &[u8], found: &mut Vec<Match>) -> Result<Codes, canonical::Invalid> {
        let question = as_host(host)?;
        let Some(index) = &self.index else {
            return Ok(Codes::None);
        };
        found.clear();
        question.ask(index, found);
        Ok(question.codes(index, found))
    }
}

/// Both in wire form: a suffix that begins where a label begins.
fn is_within(name: &[u8], zone: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(zone.len()) else {
        return false;
    };
    if name[start..] != *zone {
        return false;
    }
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(name[at]);
    }
    at == start
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn a_zone_holds_itself_and_what_is_below_it_at_a_label() {
        let zone = b"\x03arp\x00";
        assert!(is_within(b"\x03arp\x00", zone));
        assert!(is_within(b"\x01x\x03arp\x00", zone));
        assert!(!is_within(b"\x05x\x03arp\x00", zone));
        assert!(!is_within(b"\x00", zone));
    }
}
