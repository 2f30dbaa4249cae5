//! `dns-load ask`: read what is wanted, check and warm, then time.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use crate::arguments::Arguments;
use crate::asker::Asker;
use crate::clock::{cpu_ns, now_ns};
use crate::loops::Loop;
use crate::order::Order;
use crate::pass;
use crate::poller::Poller;
use crate::questions::{self, Expectation, Question};
use crate::random::Random;
use crate::report::{Run, Tally};
use crate::sockets;
use crate::stop;

/// How queries go out.
enum Mode {
    Closed { in_flight: usize },
    Open { per_s: f64 },
}

/// Ask for some seconds and print the report.
pub fn ask(mut arguments: Arguments) -> Result<(), String> {
    let server: SocketAddr = arguments.required("server")?;
    let mode = mode(&mut arguments)?;
    let seconds: f64 = arguments.optional("seconds")?.unwrap_or(5.0);
    let count: usize = arguments.optional("sockets")?.unwrap_or(8).max(1);
    let sources = sources(&mut arguments)?;
    let seed: u64 = arguments.optional("seed")?.unwrap_or(1);
    let timeout_ms: u64 = arguments.optional("timeout-ms")?.unwrap_or(2000);
    let edns = arguments.choice("edns", true)?;
    let cookies = arguments.choice("cookies", false)?;
    let warm = arguments.flag("warm")?;
    let warm_each_socket = arguments.flag("warm-each-socket")?;
    let strict = arguments.flag("strict-check")?;
    let (questions, mut order) = asked(&mut arguments, seed)?;
    arguments.finish()?;

    let mut random = Random::new(seed);
    let sockets = sockets::connected(server, &sources, count)
        .map_err(|error| format!("{server}: {error}"))?;
    let mut asker = Asker::new(&questions, sockets, edns, &mut random);
    if cookies {
        asker.learn_cookies(&mut random)?;
    }
    let mut each = Loop {
        poller: Poller::new(asker.sockets()).map_err(|error| error.to_string())?,
        asker,
        timeout_ns: timeout_ms * 1_000_000,
    };
    if warm || warm_each_socket {
        pass::warm(&mut each, &questions, warm_each_socket)?;
    }
    if strict {
        pass::check(&mut each, &questions)?;
    }
    stop::listen();
    println!("{}", time(&mut each, &mode, &mut order, seconds)?);
    Ok(())
}

fn time(
    each: &mut Loop<'_>,
    mode: &Mode,
    order: &mut Order,
    seconds: f64,
) -> Result<String, String> {
    let lost_before = each.asker.lost();
    let cpu_before = cpu_ns();
    let from = now_ns();
    let until = from + (seconds * 1e9) as u64;
    let mut tally = Tally::new(from);
    match *mode {
        Mode::Closed { in_flight } => {
            let places = each.asker.places();
            let under_way = (in_flight / places.len()).max(1);
            each.closed(places, under_way, order, until, &mut tally)
        }
        Mode::Open { per_s } => each.open(per_s, order, from, until, &mut tally),
    }
    .map_err(|error| error.to_string())?;
    let now = now_ns();
    let cpu_s = (cpu_ns() - cpu_before) as f64 / 1e9;
    tally.time_is_over(now);
    each.drain(&mut tally).map_err(|error| error.to_string())?;
    Ok(tally.json(&Run {
        seconds: (now - from) as f64 / 1e9,
        lost: each.asker.lost() - lost_before,
        cpu_s,
        asked_per_s: match *mode {
            Mode::Closed { .. } => None,
            Mode::Open { per_s } => Some(per_s),
        },
    }))
}

fn mode(arguments: &mut Arguments) -> Result<Mode, String> {
    match arguments.required::<String>("mode")?.as_str() {
        "closed" => Ok(Mode::Closed {
            in_flight: arguments.optional("in-flight")?.unwrap_or(128),
        }),
        "open" => match arguments.required("rate")? {
            per_s if per_s > 0.0 => Ok(Mode::Open { per_s }),
            _ => Err("--rate must be above 0".into()),
        },
        other => Err(format!("--mode {other}: closed or open")),
    }
}

fn sources(arguments: &mut Arguments) -> Result<Vec<IpAddr>, String> {
    let text: String = arguments.optional("sources")?.unwrap_or_default();
    text.split(',')
        .filter(|address| !address.is_empty())
        .map(|address| {
            address
                .parse()
                .map_err(|_| format!("--sources {address}: no address"))
        })
        .collect()
}

/// The questions, those of `--also` behind the others, and their order.
fn asked(arguments: &mut Arguments, seed: u64) -> Result<(Vec<Question>, Order), String> {
    let mut questions = read(&arguments.required::<String>("questions")?)?;
    let count = questions.len();
    if let Some(also) = arguments.optional::<String>("also")? {
        questions.append(&mut read(&also)?);
    }
    let also_share: f64 = arguments.optional("also-share")?.unwrap_or(0.0);
    match arguments.optional::<String>("expect")?.as_deref() {
        None => (),
        Some("any") => {
            for question in &mut questions {
                question.expectation = Expectation::Any;
            }
        }
        Some(other) => return Err(format!("--expect {other}: only any goes for all")),
    }
    let also = questions.len() - count;
    let mut order = match arguments.optional::<f64>("zipf")? {
        None if also == 0 => Order::in_turn(count),
        exponent => Order::drawn(count, exponent.unwrap_or(0.0), also, also_share, seed),
    };
    if arguments.flag("unique-prefix")? {
        order = order.with_unique(seed);
    }
    Ok((questions, order))
}

fn read(path: &str) -> Result<Vec<Question>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    questions::read(&text).map_err(|problem| format!("{path}: {problem}"))
}
