//! Load for DNS servers on one thread: `dns-load ask`, and what it is held against: `echo` and `upstream`.
//!
//! ```text
//! dns-load ask --server IP:PORT --questions FILE --mode closed|open [--in-flight N] [--rate Q/S]
//!              [--sockets N] [--seconds S] [--sources IP,IP] [--unique-prefix] [--warm | --warm-each-socket]
//!              [--strict-check] [--zipf S] [--also FILE --also-share X] [--expect any] [--edns yes|no]
//!              [--cookies yes|no] [--timeout-ms N] [--seed N]
//! dns-load echo --listen IP:PORT
//! dns-load upstream --listen IP:PORT [--delay-ms N] [--drop-share X] [--seed N]
//! ```
//!
//! `ask` prints one JSON object, after its seconds or on SIGINT or SIGTERM. Times are in the unit that the key ends in.

mod answer;
mod arguments;
mod asker;
mod batch;
mod clock;
mod echo;
mod flight;
mod histogram;
mod loops;
mod order;
mod pass;
mod poller;
mod query;
mod questions;
mod random;
mod record;
mod report;
mod run;
mod sockets;
mod stop;
mod upstream;

use std::process::ExitCode;

use arguments::Arguments;

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("dns-load: {problem}");
            ExitCode::from(2)
        }
    }
}

fn work() -> Result<(), String> {
    let mut words = std::env::args().skip(1);
    let command = words
        .next()
        .ok_or("say what to do: ask, echo or upstream")?;
    let arguments = Arguments::read(words)?;
    match command.as_str() {
        "ask" => run::ask(arguments),
        "echo" => echo::serve(arguments),
        "upstream" => upstream::serve(arguments),
        other => Err(format!(
            "{other} is none of the commands ask, echo, upstream"
        )),
    }
}
