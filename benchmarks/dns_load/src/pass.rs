//! Passes before the timing: every question is asked once, to check the answers or to warm caches.

use crate::answer::{is_whole, Judgement};
use crate::asker::Listener;
use crate::flight::Query;
use crate::loops::Loop;
use crate::order::Order;
use crate::questions::Question;

/// Few at a time: a server that has to fetch the answers is not to lose any.
const UNDER_WAY: usize = 16;
const TRIES: usize = 3;

/// Which questions were answered, and with `strict` how.
struct Pass {
    strict: bool,
    answered: Vec<bool>,
    wrong: u64,
    first_wrong: Option<u32>,
}

impl Listener for Pass {
    fn asked(&mut self, _late_ns: u64) {}

    fn heard(&mut self, query: &Query, judgement: Judgement, message: &[u8], _now_ns: u64) {
        self.answered[query.question as usize] = true;
        if self.strict && (judgement != Judgement::Right || !is_whole(message)) {
            self.wrong += 1;
            self.first_wrong.get_or_insert(query.question);
        }
    }

    fn unexpected(&mut self) {}
}

/// Every answer is right and well-formed to its last byte. What stays unanswered is asked again, twice.
pub fn check(each: &mut Loop<'_>, questions: &[Question]) -> Result<(), String> {
    let places = each.asker.places();
    let mut pass = Pass::new(true, questions.len());
    pass.ask(each, places)?;
    if let Some(first) = pass.first_wrong {
        let text = questions[first as usize].text();
        return Err(format!(
            "{} answers are wrong; the first to {text}",
            pass.wrong
        ));
    }
    match pass.missing().first() {
        None => Ok(()),
        Some(first) => {
            let text = questions[*first as usize].text();
            let count = pass.missing().len();
            Err(format!(
                "{count} questions are not answered; the first is {text}"
            ))
        }
    }
}

/// Every question is asked once, on any socket, or with `each_socket` on every one: the kernel spreads
/// sockets over the workers of a server.
pub fn warm(each: &mut Loop<'_>, questions: &[Question], each_socket: bool) -> Result<(), String> {
    let all = each.asker.places();
    if !each_socket {
        return Pass::new(false, questions.len()).ask(each, all);
    }
    for place in all {
        Pass::new(false, questions.len()).ask(each, place..place + 1)?;
    }
    Ok(())
}

impl Pass {
    fn new(strict: bool, questions: usize) -> Self {
        Self {
            strict,
            answered: vec![false; questions],
            wrong: 0,
            first_wrong: None,
        }
    }

    fn ask(&mut self, each: &mut Loop<'_>, places: std::ops::Range<usize>) -> Result<(), String> {
        for _ in 0..TRIES {
            let missing = self.missing();
            if missing.is_empty() {
                break;
            }
            each.closed(
                places.clone(),
                UNDER_WAY,
                &mut Order::once(missing),
                u64::MAX,
                self,
            )
            .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn missing(&self) -> Vec<u32> {
        (0..self.answered.len() as u32)
            .filter(|number| !self.answered[*number as usize])
            .collect()
    }
}
