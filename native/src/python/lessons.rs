//! What Python and the fast path tell each other: replies, what is wanted, lessons, packets handed up.

use crate::dns::handups::HandUp;
use crate::dns::standing::{Action, Decided, Standing, Template, Undecided};
use crate::question::Codes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// (response code, answers, authorities, body, EDE codes, policy)
pub type ReplyParts = (u16, u16, u16, Vec<u8>, Vec<u16>, bool);
/// (matches, query type, profile)
pub type Wanted = (Codes, u16, u32);
/// (matches, query type, profile, label, action, the reply unless the question may go on, which of the
/// matches it tells of if that is confidential)
pub type Lesson = (
    Codes,
    u16,
    u32,
    u32,
    String,
    Option<ReplyParts>,
    Option<usize>,
);

pub fn template(parts: ReplyParts) -> Template {
    let (rcode, answers, authorities, body, ede, policy) = parts;
    Template {
        rcode,
        answers,
        authorities,
        body,
        ede,
        policy,
    }
}

pub fn wanted(undecided: Undecided) -> Wanted {
    (undecided.codes, undecided.qtype, undecided.profile)
}

pub fn learn_all(standing: &mut Standing, lessons: Vec<Lesson>) -> PyResult<()> {
    for (codes, qtype, profile, label, word, reply, told) in lessons {
        let decided = Decided {
            label,
            action: action(&word)?,
            reply: reply.map(template),
            told,
        };
        let asked = Undecided {
            codes,
            qtype,
            profile,
        };
        standing.learn(asked, decided);
    }
    Ok(())
}

pub fn action(word: &str) -> PyResult<Action> {
    match word {
        "allow" => Ok(Action::Allow),
        "observe" => Ok(Action::Observe),
        "steer" => Ok(Action::Steer),
        "block" => Ok(Action::Block),
        _ => Err(PyValueError::new_err(
            "an action is allow, observe, steer or block",
        )),
    }
}

/// A packet that Python must answer, and to whom.
#[pyclass(frozen, name = "HandUp", module = "cop_filter._native")]
pub struct PyHandUp(pub HandUp);

#[pymethods]
impl PyHandUp {
    #[getter]
    fn packet<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.packet)
    }

    /// The client's address, to be forgotten with the answer.
    #[getter]
    fn client(&self) -> String {
        self.0.peer.client.ip().to_string()
    }

    /// The matches, the query type and the profile whose decision the fast path would like to be told.
    #[getter]
    fn undecided(&self) -> Option<Wanted> {
        self.0.undecided.clone().map(wanted)
    }

    /// How long an upstream was waited for already.
    #[getter]
    fn waited_s(&self) -> f64 {
        self.0.waited_s
    }
}
