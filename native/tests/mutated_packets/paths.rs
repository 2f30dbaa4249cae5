//! Damaged queries on the whole fast path, with damaged answers from upstream, while lists come and go.

use crate::corpus::{self, Message, A, CNAME, ID};
use crate::damage::damage;
use crate::random::Random;
use crate::written::check_written;
use crate::{campaign, packets};
use _native::builder::Builder;
use _native::dns::cache::Cache;
use _native::dns::clients::{Networks, Profiles};
use _native::dns::cookies::Cookies;
use _native::dns::desk::{Desk, Now, Outcome, Rules};
use _native::dns::limits::RateLimit;
use _native::dns::path::Path;
use _native::dns::query::{self, flags, rcode, Query, Read, HEADER_BYTES};
use _native::dns::reply::Terms;
use _native::dns::response;
use _native::dns::standing::{Action, Decided, Standing, Template, Undecided, Zone};
use _native::dns::tally::Tally;
use _native::entries::Entry;
use _native::index::Index;
use _native::oracle::Oracle;
use _native::question::Codes;
use std::net::IpAddr;
use std::slice;
use std::sync::Arc;

const SILENT: usize = 0;
const ANSWERED: usize = 1;
const MISSED: usize = 2;
const HANDED_UP: usize = 3;

const SECRET: [u8; 16] = [0x5E; 16];
const PAYLOAD_BYTES: u16 = 1232;
const WALL_S: f64 = 1.7e9;
const CACHE_BYTES: usize = 1 << 20;
const CLIENTS: [&str; 6] = [
    "192.0.2.1",
    "::ffff:192.0.2.130",
    "198.51.100.9",
    "2001:db8::1",
    "203.0.113.1",
    "2001:db8:ffff::1",
];
const STRANGERS: [&str; 2] = ["203.0.113.1", "2001:db8:ffff::1"];
/// To block, by list: the second one is in force in every other generation.
const BLOCKED: [&str; 2] = ["bad.example", "cdn.example.net"];
const OBSERVED: &str = "www.good.example";
/// To block for some clients only.
const CHOSEN: [&str; 11] = [
    "example.net",
    "host-0.open.example",
    "host-1.open.example",
    "host-2.open.example",
    "host-3.open.example",
    "host-4.open.example",
    "host-5.open.example",
    "host-6.open.example",
    "host-7.open.example",
    "host-8.open.example",
    "host-9.open.example",
];
const CHOOSERS: [&str; 2] = ["198.51.100.9", "2001:db8::1"];
const CHOOSING: u32 = 1;
const NETWORKS: u32 = 5;
const RESPONSES_PER_SECOND: u32 = 120;
const LOCAL: &str = "invalid";
const REFUGE: &[u8] = &[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80];

#[test]
fn no_damaged_query_or_answer_gets_past_what_the_generation_in_force_says() {
    let mut site = Site::new();
    let shares: [u64; 4] = campaign(0..packets(), &queries(), HEADER_BYTES, |packet, random| {
        site.next(packet, random)
    });
    assert!(
        shares.iter().all(|&share| share > 10),
        "else this tests too little: {shares:?}"
    );
    assert!(site.told_from_upstream > packets() / 1000);
    assert!(site.told_to_others > packets() / 20_000);
    let most = f64::from(NETWORKS * RESPONSES_PER_SECOND) * (site.steady_s + 1.0);
    assert!(
        site.unproven as f64 <= most,
        "{} answers for {most}",
        site.unproven
    );
}

/// Besides all others many whose damage does not matter, and some that prove their client's address.
fn queries() -> Vec<Vec<u8>> {
    let mut packets = corpus::queries();
    let cookies = Cookies::new(&SECRET);
    let decided = [
        OBSERVED,
        "BAD.example",
        "deep.below.bad.example",
        "cdn.example.net",
        "x.invalid",
    ];
    let open = (0..100).map(|n| format!("Host-{n}.open.example"));
    for name in decided.map(String::from).into_iter().chain(open) {
        let name = corpus::name(&name);
        for qtype in [A, CNAME] {
            let plain = Message::new(flags::RD).question(&name, qtype, 1);
            for client in [CLIENTS[0], CLIENTS[3]] {
                let checked = cookies.check(&[7; 8], client.parse().unwrap(), WALL_S as u64);
                let proven = plain.clone().opt(4096, 0, &[(10, &checked.answer)]);
                packets.push(proven.0);
            }
            packets.push(plain.0);
        }
    }
    packets
}

/// The fast path without its sockets, and in Python's place somebody who decides at once.
struct Site {
    path: Path,
    cookies: Cookies,
    indexes: [Arc<Index>; 2],
    standing: Standing,
    cache: Cache,
    tally: Tally,
    oracle: Oracle,
    steady_s: f64,
    out: Vec<u8>,
    told_from_upstream: u64,
    /// What leads to a name that is listed for some, told to one of the others.
    told_to_others: u64,
    /// What was neither dropped nor cut off, of clients that may be forged.
    unproven: u64,
}

impl Site {
    fn new() -> Self {
        let networks = [("192.0.2.0", 24), ("198.51.100.0", 24), ("2001:db8::", 48)];
        let networks = networks.map(|(first, bits)| (first.parse().unwrap(), bits));
        let rules = Rules {
            networks: Networks::new(networks.to_vec()),
            profiles: profiles(),
            cookies: Cookies::new(&SECRET),
            outside: template(rcode::REFUSED, &[]),
            payload_bytes: PAYLOAD_BYTES,
            never_forwarded: vec![0, 41, 255],
        };
        let indexes = [1, 2].map(|lists| index(&BLOCKED[..lists]));
        Self {
            path: Path::new(rules, RateLimit::new(RESPONSES_PER_SECOND, 2, [1, 2])),
            cookies: Cookies::new(&SECRET),
            standing: standing(1, &indexes),
            indexes,
            cache: Cache::new(CACHE_BYTES),
            tally: Tally::default(),
            oracle: Oracle::new(0, 60.0, Box::new(|| [1, 2])).unwrap(),
            steady_s: 0.0,
            out: Vec::new(),
            told_from_upstream: 0,
            told_to_others: 0,
            unproven: 0,
        }
    }

    fn next(&mut self, packet: &[u8], random: &mut Random) -> usize {
        if random.one_in(2_000) {
            self.standing = standing(self.standing.serial + 1, &self.indexes);
        }
        self.steady_s += 0.001;
        let now = Now {
            steady_s: self.steady_s,
            wall_s: WALL_S,
        };
        let client: IpAddr = random.pick(&CLIENTS).parse().unwrap();
        self.out.clear();
        let mut desk = Desk {
            standing: &self.standing,
            cache: &mut self.cache,
            tally: &mut self.tally,
            oracle: &self.oracle,
            now,
        };
        let outcome = self.path.look(packet, client, &mut desk, &mut self.out);
        assert_eq!(self.out.is_empty(), outcome != Outcome::Answered);
        let query = match query::read(packet) {
            Read::Ignored => {
                assert_eq!(outcome, Outcome::Silent);
                return SILENT;
            }
            Read::Rejected { query, .. } | Read::Query(query) => query,
        };
        let proven = self.proven(&query, client);
        let cut_off = self.out.get(2).is_some_and(|flags| flags & 2 != 0);
        self.unproven += u64::from(!proven && !cut_off && outcome != Outcome::Silent);
        let stranger = STRANGERS
            .iter()
            .any(|text| client == text.parse::<IpAddr>().unwrap());
        match outcome {
            Outcome::Silent => {
                assert!(!proven, "limits are for those who may be forged");
                SILENT
            }
            Outcome::Answered => {
                self.check_answered(&query, client, stranger);
                ANSWERED
            }
            Outcome::Miss => {
                assert!(!stranger && query.flags & flags::RD != 0);
                self.ask_upstream(packet, &query, client, now, random);
                MISSED
            }
            Outcome::HandUp(undecided) => {
                assert!(!stranger);
                self.decide(undecided);
                HANDED_UP
            }
        }
    }

    fn check_answered(&mut self, query: &Query<'_>, client: IpAddr, stranger: bool) {
        let name = query.name().to_ascii_lowercase();
        let listed = self.is_blocked(&name, client);
        let policy = stranger || listed || is_within(&name, LOCAL);
        let written = check_written(query, policy, &self.terms(query, client), &self.out);
        if written.flags & flags::TC != 0 {
            return;
        }
        if stranger {
            assert_eq!(
                (written.flags & 0xF, written.body),
                (rcode::REFUSED, &[][..])
            );
        } else if listed {
            assert!(
                written.body == REFUGE,
                "a listed name is told another address, or nothing"
            );
        } else {
            self.told_to_others += u64::from(self.check_leads_nowhere(query, client));
        }
    }

    fn ask_upstream(
        &mut self,
        packet: &[u8],
        query: &Query<'_>,
        client: IpAddr,
        now: Now,
        random: &mut Random,
    ) {
        let asked = self.path.asked();
        let (question, key) = (asked.question.clone(), asked.key.clone());
        assert!(question.eq_ignore_ascii_case(query.question));
        assert!(!self.is_blocked(query.name(), client), "not even asked for");
        let mut responses = corpus::responses(&query.name().to_ascii_lowercase(), query.qtype());
        let mut response = responses.swap_remove(random.below(responses.len()));
        if random.one_in(2) {
            damage(
                &mut response,
                HEADER_BYTES + question.len(),
                &responses,
                random,
            );
        }
        let Ok(answer) = response::read(&response, &question, ID) else {
            return;
        };
        if !answer.conclusive() || answer.truncated {
            return;
        }
        let profile = self.path.profile(client);
        let judged = self
            .path
            .judge_answer(&self.standing, &question, profile, &answer);
        match judged {
            Ok(judged) => {
                assert!(!answer
                    .hosts
                    .iter()
                    .any(|host| self.is_blocked(host, client)));
                self.out.clear();
                let mut desk = Desk {
                    standing: &self.standing,
                    cache: &mut self.cache,
                    tally: &mut self.tally,
                    oracle: &self.oracle,
                    now,
                };
                let told = (&answer, judged.label);
                self.path
                    .write_answer(packet, client, told, &mut desk, &mut self.out);
                check_written(query, false, &self.terms(query, client), &self.out);
                self.told_to_others += u64::from(self.check_leads_nowhere(query, client));
                self.cache
                    .put(&key, Arc::new(answer), judged, self.steady_s);
                assert!(self.cache.used_bytes() <= CACHE_BYTES);
                self.told_from_upstream += 1;
            }
            Err(undecided) => self.decide(undecided),
        }
    }

    /// Nothing that a client reads in an answer is a listed host; whether one is, for others.
    fn check_leads_nowhere(&self, query: &Query<'_>, client: IpAddr) -> bool {
        let (name, kind) = query.question.split_at(query.name().len());
        let question = [&name.to_ascii_lowercase(), kind].concat();
        let answer = response::read(&self.out, &question, query.id).expect("a readable answer");
        assert!(!answer
            .hosts
            .iter()
            .any(|host| self.is_blocked(host, client)));
        is_chosen(&query.name().to_ascii_lowercase())
            || answer.hosts.iter().any(|host| is_chosen(host))
    }

    fn decide(&mut self, undecided: Option<Undecided>) {
        let Some(undecided) = undecided else {
            return;
        };
        let codes = match &undecided.codes {
            Codes::None => panic!("nothing is found, and nothing to be said about it"),
            Codes::One(code) => vec![*code],
            Codes::Many(codes) => codes.clone(),
        };
        let lists = lists_in_force(self.standing.serial);
        let holds = |list: usize| codes.iter().any(|code| (code >> 5) as usize == list);
        let chosen = undecided.profile == CHOOSING && holds(lists + 1);
        let blocked = chosen || (0..lists).any(holds);
        let (action, label) = match (blocked, holds(lists)) {
            (true, _) => (Action::Block, 1),
            (false, true) => (Action::Observe, 2),
            (false, false) => (Action::Allow, 0),
        };
        let reply = blocked.then(|| template(rcode::NOERROR, REFUGE));
        self.standing.learn(
            undecided,
            Decided {
                label,
                action,
                reply,
                told: None,
            },
        );
    }

    fn is_blocked(&self, name: &[u8], client: IpAddr) -> bool {
        let name = name.to_ascii_lowercase();
        if CHOOSERS
            .iter()
            .any(|text| client == text.parse::<IpAddr>().unwrap())
            && is_chosen(&name)
        {
            return true;
        }
        BLOCKED[..lists_in_force(self.standing.serial)]
            .iter()
            .any(|listed| is_within(&name, listed))
    }

    fn proven(&self, query: &Query<'_>, client: IpAddr) -> bool {
        let check = |cookie| self.cookies.check(cookie, client, WALL_S as u64).proven;
        query.cookie.is_some_and(check)
    }

    fn terms(&self, query: &Query<'_>, client: IpAddr) -> Terms {
        Terms {
            payload_bytes: PAYLOAD_BYTES,
            stream: false,
            proven: self.proven(query, client),
            cookie: None,
        }
    }
}

fn profiles() -> Profiles {
    let other = CHOOSING + 1;
    let networks = [
        ("198.51.100.0", 24, CHOOSING),
        ("2001:db8::", 32, CHOOSING),
        ("192.0.2.128", 25, other),
    ];
    Profiles::told_apart(
        networks.map(|(first, bits, number)| (first.parse().unwrap(), bits, number)),
    )
}

fn lists_in_force(serial: u32) -> usize {
    1 + serial as usize % 2
}

fn standing(serial: u32, indexes: &[Arc<Index>; 2]) -> Standing {
    let index = Arc::clone(&indexes[lists_in_force(serial) - 1]);
    let zone = Zone {
        name: corpus::name(LOCAL),
        reply: template(rcode::NXDOMAIN, &[]),
    };
    Standing::new(
        serial,
        Some(index),
        0,
        (0.0, f64::INFINITY),
        vec![zone],
        None,
    )
}

fn template(rcode: u16, body: &[u8]) -> Template {
    Template {
        rcode,
        answers: u16::from(!body.is_empty()),
        authorities: 0,
        body: body.to_vec(),
        ede: vec![15],
        policy: true,
    }
}

fn index(blocked: &[&str]) -> Arc<Index> {
    let key = [3; 32];
    let mut builder = Builder::new(&key);
    let lists = blocked.iter().chain(&[OBSERVED]).map(slice::from_ref);
    for (list, names) in (0..).zip(lists.chain([&CHOSEN[..]])) {
        for key in names {
            let entry = Entry {
                kind: "domain",
                key,
                tag: 0,
                only_below: false,
                any_query: false,
            };
            builder.add(list, &entry).unwrap();
        }
    }
    builder.settle();
    let name = format!("{}-{}.index", std::process::id(), blocked.len());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    builder.write(&path).unwrap();
    let index = Index::open(&path, &key).unwrap();
    std::fs::remove_file(path).unwrap();
    Arc::new(index)
}

fn is_chosen(name: &[u8]) -> bool {
    CHOSEN.iter().any(|chosen| is_within(name, chosen))
}

/// A name in wire form, lower case, at or below a dotted one.
fn is_within(name: &[u8], dotted: &str) -> bool {
    let zone = corpus::name(dotted);
    let mut rest = name;
    while rest.len() > zone.len() {
        rest = rest.get(1 + usize::from(rest[0])..).unwrap_or(&[]);
    }
    rest == zone
}
