//! What a packet is looked at with, and what may come of it.

use crate::dns::cache::Cache;
use crate::dns::clients::{Networks, Profiles};
use crate::dns::cookies::Cookies;
use crate::dns::standing::{Standing, Template, Undecided};
use crate::dns::tally::Tally;
use crate::oracle::Oracle;

/// When a packet is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Monotonic.
    pub steady_s: f64,
    /// Since the epoch.
    pub wall_s: f64,
}

/// What one resolver says of itself and for whom it works.
pub struct Rules {
    pub networks: Networks,
    pub profiles: Profiles,
    pub cookies: Cookies,
    /// What a client outside the networks is told.
    pub outside: Template,
    pub payload_bytes: u16,
    /// Query types that no upstream is asked for; ascending.
    pub never_forwarded: Vec<u16>,
}

/// What a packet is looked at with.
pub struct Desk<'a> {
    pub standing: &'a Standing,
    pub cache: &'a mut Cache,
    pub tally: &'a mut Tally,
    pub oracle: &'a Oracle,
    pub now: Now,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The answer was appended to what goes out.
    Answered,
    /// No answer is due.
    Silent,
    /// An upstream must be asked for `Path::asked`.
    Miss,
    /// Python's turn; with the decision that it has not told yet, if that is the reason.
    HandUp(Option<Undecided>),
}

/// What an upstream is to be asked, and under what its answer is kept.
#[derive(Debug, Default)]
pub struct Asked {
    pub key: Vec<u8>,
    /// QNAME in lower case, QTYPE and QCLASS.
    pub question: Vec<u8>,
    pub dnssec_ok: bool,
    pub checking_disabled: bool,
}
