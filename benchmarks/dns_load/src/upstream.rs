//! An upstream resolver for servers under test: one address for every name, at the least cost.

use std::collections::VecDeque;

use crate::arguments::Arguments;
use crate::batch::{Address, Batch};
use crate::clock::now_ns;
use crate::poller::Poller;
use crate::query::{opt, HEADER};
use crate::random::Random;
use crate::record::skip_name;
use crate::sockets;

const DATAGRAMS: usize = 64;
const SIZE: usize = 2048;
const A_IN: [u8; 4] = [0, 1, 0, 1];
/// 192.0.2.1 for an hour, under the name of the question.
const RECORD: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x01";

struct Waiting {
    due_ns: u64,
    to: Address,
    message: Box<[u8]>,
}

/// Serve until killed. Names have no records but addresses of IPv4.
pub fn serve(mut arguments: Arguments) -> Result<(), String> {
    let address = arguments.required("listen")?;
    let delay_ns = arguments.optional::<u64>("delay-ms")?.unwrap_or(0) * 1_000_000;
    let drop_share: f64 = arguments.optional("drop-share")?.unwrap_or(0.0);
    let mut random = Random::new(arguments.optional("seed")?.unwrap_or(0));
    arguments.finish()?;
    let socket = sockets::listening(address).map_err(|error| format!("{address}: {error}"))?;
    let sockets = [socket];
    let mut poller = Poller::new(&sockets).map_err(|error| error.to_string())?;
    let mut batch = Batch::<SIZE>::new(DATAGRAMS);
    let mut late = Batch::<SIZE>::new(DATAGRAMS);
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    let failed = |error: std::io::Error| error.to_string();
    loop {
        let wait_ns = waiting
            .front()
            .map_or(u64::MAX >> 8, |first| first.due_ns.saturating_sub(now_ns()));
        poller.wait(wait_ns).map_err(failed)?.for_each(drop);
        batch.receive(&sockets[0]).map_err(failed)?;
        batch.answer(|buffer, bytes| {
            let length = reply(buffer, bytes)?;
            (drop_share == 0.0 || random.share() >= drop_share).then_some(length)
        });
        if delay_ns == 0 {
            batch.send(&sockets[0]).map_err(failed)?;
            continue;
        }
        let now = now_ns();
        for place in 0..batch.len() {
            waiting.push_back(Waiting {
                due_ns: now + delay_ns,
                to: batch.address(place),
                message: batch.packet(place).into(),
            });
        }
        while waiting.front().is_some_and(|first| first.due_ns <= now) && !late.is_full() {
            if let Some(one) = waiting.pop_front() {
                late.push_to(one.to, |buffer| {
                    buffer[..one.message.len()].copy_from_slice(&one.message);
                    one.message.len()
                });
            }
        }
        late.send(&sockets[0]).map_err(failed)?;
    }
}

/// Turn the query of `bytes` bytes in `buffer` into its answer; the length, or None for what is no query.
fn reply(buffer: &mut [u8; SIZE], bytes: usize) -> Option<usize> {
    if !(HEADER..=SIZE / 2).contains(&bytes) || buffer[2] & 0x80 != 0 || buffer[4..6] != [0, 1] {
        return None;
    }
    let mut at = skip_name(&buffer[..bytes], HEADER)? + 4;
    let is_address = buffer[..bytes].get(at - 4..at)? == A_IN;
    // Recursion is desired and available; no error.
    buffer[2] = 0x80 | buffer[2] & 0x79;
    buffer[3] = 0x80;
    let has_opt = buffer[11] > 0;
    buffer[6..HEADER].copy_from_slice(&[0, u8::from(is_address), 0, 0, 0, u8::from(has_opt)]);
    let record = if is_address { RECORD } else { &[] };
    for part in [record, &opt(has_opt, None)] {
        buffer[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{is_whole, judge, Judgement};
    use crate::query;
    use crate::questions;

    fn asked(line: &str) -> (Option<usize>, [u8; SIZE], questions::Question) {
        let question = questions::read(line).unwrap().remove(0);
        let mut short = [0; query::MAX_BYTES];
        let bytes = query::write(&mut short, 1, None, &question, &opt(true, None));
        let mut buffer = [0; SIZE];
        buffer[..bytes].copy_from_slice(&short[..bytes]);
        (reply(&mut buffer, bytes), buffer, question)
    }

    #[test]
    fn every_name_has_one_address() {
        let (length, buffer, question) = asked("a.example A a=192.0.2.1");
        let message = &buffer[..length.unwrap()];
        assert_eq!(judge(message, None, &question), Judgement::Right);
        assert!(is_whole(message));
    }

    #[test]
    fn other_types_are_answered_without_records() {
        let (length, buffer, question) = asked("a.example AAAA rcode=0");
        let message = &buffer[..length.unwrap()];
        assert_eq!(judge(message, None, &question), Judgement::Right);
        assert_eq!(message[6..8], [0, 0]);
        assert!(is_whole(message));
    }

    #[test]
    fn an_answer_is_not_answered() {
        let (length, mut buffer, _) = asked("a.example A any");
        assert_eq!(reply(&mut buffer, length.unwrap()), None);
    }
}
