//! What was asked, what answers it, and what policy is told of that.

use crate::canonical::{self, Host, Invalid, Url};
use crate::index::{Index, Match};
use crate::records::RecordKind;
use crate::spelling;

/// A question in canonical form, with what it takes to tell its spelling when it hits.
pub enum Question<'a> {
    Host(&'a [u8], Host<'a>),
    Url(&'a [u8], Url<'a>),
    /// A URL on a plane that sees only its host.
    UrlHost(&'a [u8], Url<'a>),
}

pub type Read = for<'a> fn(&'a [u8]) -> Result<Question<'a>, Invalid>;

pub fn as_host(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::host(word).map(|host| Question::Host(word, host))
}

pub fn as_url(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::url(word).map(|url| Question::Url(word, url))
}

pub fn as_url_host(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::url(word).map(|url| Question::UrlHost(word, url))
}

impl Question<'_> {
    pub fn host(&self) -> &Host<'_> {
        match self {
            Self::Host(_, host) => host,
            Self::Url(_, url) | Self::UrlHost(_, url) => &url.host,
        }
    }

    pub fn ask(&self, index: &Index, found: &mut Vec<Match>) {
        match self {
            Self::Host(..) | Self::UrlHost(..) => index.match_host(self.host(), found),
            Self::Url(_, url) => index.match_url(url, found),
        }
    }

    fn tag(&self, kind: RecordKind) -> u32 {
        match self {
            Self::Host(word, host) => spelling::host_tag(word, host),
            Self::Url(word, url) if !kind.is_host_level() => spelling::url_tag(word, url),
            Self::Url(word, url) | Self::UrlHost(word, url) => spelling::url_host_tag(word, url),
        }
    }

    /// What a match tells policy: `list << 5 | kind << 1 | folded`.
    pub fn code(&self, hit: &Match, index: &Index) -> u32 {
        let (kind, stored) = (hit.meta.kind(), hit.meta.tag());
        let asked = self.tag(kind);
        let folded = if kind == RecordKind::Prefix {
            // A prefix is a part of what was asked: its tag cannot equal the whole's.
            stored != 0 || asked != 0
        } else {
            stored != index.keyed_hash().tag(asked)
        };
        hit.meta.list() << 5 | (kind as u32) << 1 | u32::from(folded)
    }

    pub fn codes(&self, index: &Index, found: &[Match]) -> Codes {
        Codes::of(found, |hit| self.code(hit, index))
    }
}

/// What applies to a question, most specific first. Most answers allocate nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Codes {
    None,
    One(u32),
    Many(Vec<u32>),
}

impl Codes {
    /// As if every spelling were exact: telling spellings apart takes longer than all the rest.
    pub fn unspelled(found: &[Match]) -> Self {
        Self::of(found, |hit| {
            hit.meta.list() << 5 | (hit.meta.kind() as u32) << 1
        })
    }

    fn of(found: &[Match], code: impl Fn(&Match) -> u32) -> Self {
        match found {
            [] => Self::None,
            [hit] => Self::One(code(hit)),
            _ => Self::Many(found.iter().map(code).collect()),
        }
    }
}
