//! `--name value` and `--name` on the command line.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What was given, each taken once: what nobody took is a mistake.
pub struct Arguments(BTreeMap<String, Option<String>>);

impl Arguments {
    /// A word after a name is its value, unless it is a name itself.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("{word}: expected --NAME"))?;
            let value = words.next_if(|next| !next.starts_with("--"));
            if given.insert(name.to_owned(), value).is_some() {
                return Err(format!("--{name} is given twice"));
            }
        }
        Ok(Self(given))
    }

    /// Whether the name stands there, without a value.
    pub fn flag(&mut self, name: &str) -> Result<bool, String> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(None) => Ok(true),
            Some(Some(value)) => Err(format!("--{name} takes no value, and {value} is one")),
        }
    }

    /// The value, where the name stands there.
    pub fn optional<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(None) => Err(format!("--{name} needs a value")),
            Some(Some(text)) => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(format!("--{name} {text}: no such value")),
            },
        }
    }

    /// The value, which has no default.
    pub fn required<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.optional(name)?
            .ok_or_else(|| format!("--{name} is missing"))
    }

    /// `yes` or `no`.
    pub fn choice(&mut self, name: &str, default: bool) -> Result<bool, String> {
        match self.optional::<String>(name)?.as_deref() {
            None => Ok(default),
            Some("yes") => Ok(true),
            Some("no") => Ok(false),
            Some(other) => Err(format!("--{name} {other}: yes or no")),
        }
    }

    /// Everything is taken, or it is named.
    pub fn finish(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("--{name} is unknown here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Arguments {
        Arguments::read(text.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn values_and_flags_are_told_apart() {
        let mut given = arguments("--rate 20000 --warm --edns no");
        assert_eq!(given.required::<f64>("rate"), Ok(20_000.0));
        assert_eq!(given.flag("warm"), Ok(true));
        assert_eq!(given.flag("strict-check"), Ok(false));
        assert_eq!(given.choice("edns", true), Ok(false));
        assert!(given.finish().is_ok());
    }

    #[test]
    fn what_nobody_took_is_named() {
        assert_eq!(
            arguments("--rat 1").finish(),
            Err("--rat is unknown here".into())
        );
    }
}
