//! The questions file: one `name type expectation` a line.

use std::net::Ipv4Addr;

/// What an answer must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// No error, and this first address record in the answer section.
    Address(Ipv4Addr),
    /// This response code.
    Rcode(u8),
    /// An answer to this question, whatever it says.
    Any,
}

/// A question as it goes over the wire: labels, type, class.
pub struct Question {
    pub wire: Box<[u8]>,
    pub expectation: Expectation,
}

impl Question {
    /// The name and type for people.
    pub fn text(&self) -> String {
        let mut name = String::new();
        let mut rest = &self.wire[..];
        while let [length @ 1..=63, tail @ ..] = rest {
            let (label, after) = tail.split_at(usize::from(*length));
            name.push_str(&String::from_utf8_lossy(label));
            name.push('.');
            rest = after;
        }
        format!("{name} TYPE{}", u16::from_be_bytes([rest[1], rest[2]]))
    }
}

/// Every line of a file; a mistake tells its line.
pub fn read(text: &str) -> Result<Vec<Question>, String> {
    let questions: Result<Vec<Question>, String> = text
        .lines()
        .enumerate()
        .map(|(number, line)| parse(line).map_err(|what| format!("line {}: {what}", number + 1)))
        .collect();
    match questions {
        Ok(questions) if questions.is_empty() => Err("no questions in it".into()),
        other => other,
    }
}

fn parse(line: &str) -> Result<Question, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, kind, expectation] = words[..] else {
        return Err("expected: name type expectation".into());
    };
    let mut wire = Vec::with_capacity(name.len() + 6);
    for label in name.trim_end_matches('.').split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err(format!("{name}: a label is 1 to 63 characters"));
        }
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    if wire.len() > 255 {
        return Err(format!("{name}: longer than 255 bytes"));
    }
    wire.extend_from_slice(&qtype(kind)?.to_be_bytes());
    wire.extend_from_slice(&1_u16.to_be_bytes());
    Ok(Question {
        wire: wire.into(),
        expectation: expected(expectation)?,
    })
}

fn qtype(text: &str) -> Result<u16, String> {
    let number = match text {
        "A" => Some(1),
        "NS" => Some(2),
        "CNAME" => Some(5),
        "SOA" => Some(6),
        "PTR" => Some(12),
        "MX" => Some(15),
        "TXT" => Some(16),
        "AAAA" => Some(28),
        "HTTPS" => Some(65),
        "ANY" => Some(255),
        _ => text
            .strip_prefix("TYPE")
            .and_then(|digits| digits.parse().ok()),
    };
    number.ok_or_else(|| format!("{text}: unknown type; TYPEnnn goes for every one"))
}

fn expected(text: &str) -> Result<Expectation, String> {
    let problem = || format!("{text}: expected a=ADDRESS, rcode=NUMBER or any");
    match text.split_once('=') {
        None if text == "any" => Ok(Expectation::Any),
        Some(("a", address)) => address
            .parse()
            .map(Expectation::Address)
            .map_err(|_| problem()),
        Some(("rcode", number)) => number
            .parse()
            .ok()
            .filter(|rcode| *rcode < 16)
            .map(Expectation::Rcode)
            .ok_or_else(problem),
        _ => Err(problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question_on_the_wire() {
        let questions = read("www.listed.example A a=192.0.2.80\n").unwrap();
        assert_eq!(
            &questions[0].wire[..],
            b"\x03www\x06listed\x07example\0\0\x01\0\x01"
        );
        let expected = Expectation::Address(Ipv4Addr::new(192, 0, 2, 80));
        assert_eq!(questions[0].expectation, expected);
        assert_eq!(questions[0].text(), "www.listed.example. TYPE1");
    }

    #[test]
    fn a_mistake_tells_its_line() {
        for wrong in [
            "a.example A",
            "a..example A any",
            "a.example WHAT any",
            "a.example A rcode=16",
        ] {
            let problem = read(&format!("b.example TYPE65 rcode=3\n{wrong}"))
                .err()
                .unwrap();
            assert!(problem.starts_with("line 2: "), "{problem}");
        }
    }
}
