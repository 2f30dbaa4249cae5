//! The index as Python sees it: one question, many at once, or with references.

use super::builder::each_entry;
use super::{invalid, raw, secret};
use crate::both::each;
use crate::canonical::Invalid;
use crate::index::Index;
use crate::question::{as_host, as_url, as_url_host, Codes, Question, Read};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A published index, memory-mapped and read-only.
#[pyclass(frozen, name = "Index", module = "cop_filter._native")]
pub struct PyIndex(pub Arc<Index>);

/// Questions that are looked at together, so that their waits for memory overlap.
const TOGETHER: usize = 64;

/// What a batch is told of a match.
#[derive(Clone, Copy)]
enum Tell {
    Spelling,
    Records,
}

impl PyIndex {
    fn one(&self, word: &Bound<'_, PyAny>, read: Read) -> PyResult<Codes> {
        let bytes = raw(word)?;
        let question = read(&bytes).map_err(invalid)?;
        let mut found = Vec::new();
        question.ask(&self.0, &mut found);
        Ok(question.codes(&self.0, &found))
    }

    fn many<'py>(
        &self,
        words: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
        read: Read,
        tell: Tell,
    ) -> PyResult<Bound<'py, PyList>> {
        let nothing = resolve.call1((Codes::None,))?;
        let mut resolved: HashMap<Codes, Bound<'py, PyAny>> = HashMap::new();
        let mut out = Vec::with_capacity(words.len());
        let words: Vec<_> = words.iter().collect();
        let bytes: Vec<_> = words.iter().map(raw).collect::<PyResult<_>>()?;
        for answer in resolve.py().detach(|| self.answers(&bytes, read, tell)) {
            out.push(match answer {
                Ok(Codes::None) => nothing.clone(),
                Ok(codes) => match resolved.entry(codes) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(new) => {
                        let answer = resolve.call1((new.key().clone(),))?;
                        new.insert(answer).clone()
                    }
                },
                Err(reason) => resolve.call1((reason.to_string(),))?,
            });
        }
        PyList::new(resolve.py(), out)
    }

    fn answers(
        &self,
        words: &[Cow<'_, [u8]>],
        read: Read,
        tell: Tell,
    ) -> Vec<Result<Codes, Invalid>> {
        let some = |words: &[Cow<'_, [u8]>]| {
            let mut answers = Vec::with_capacity(words.len());
            for words in words.chunks(TOGETHER) {
                let questions = words.iter().map(|word| read(word));
                self.together(questions.collect(), tell, &mut answers);
            }
            answers
        };
        match tell {
            Tell::Spelling => some(words),
            // So asks a refresh, and as many questions as a list has entries.
            Tell::Records => each(words, some),
        }
    }

    /// Answers at most `TOGETHER` questions.
    fn together(
        &self,
        questions: Vec<Result<Question<'_>, Invalid>>,
        tell: Tell,
        answers: &mut Vec<Result<Codes, Invalid>>,
    ) {
        let mut probes = Vec::with_capacity(4 * TOGETHER);
        for (i, question) in questions.iter().enumerate() {
            if let Ok(question) = question {
                self.0
                    .each_probe(question.host(), |probe| probes.push((i, probe)));
            }
        }
        // Nothing but loads of memory that do not depend on each other: the waits overlap.
        let mut may_match = [false; TOGETHER];
        for (i, probe) in &probes {
            may_match[*i] |= self.0.may_match(*probe);
        }
        let mut found = Vec::new();
        for (question, may_match) in questions.into_iter().zip(may_match) {
            answers.push(question.map(|question| {
                if !may_match {
                    return Codes::None;
                }
                found.clear();
                question.ask(&self.0, &mut found);
                match tell {
                    Tell::Spelling => question.codes(&self.0, &found),
                    Tell::Records => Codes::unspelled(&found),
                }
            }));
        }
    }

    fn explain(&self, word: &Bound<'_, PyAny>, read: Read) -> PyResult<Vec<(u32, u64)>> {
        let bytes = raw(word)?;
        let question = read(&bytes).map_err(invalid)?;
        let mut found = Vec::new();
        question.ask(&self.0, &mut found);
        Ok(found
            .iter()
            .map(|hit| (question.code(hit, &self.0), hit.reference))
            .collect())
    }
}

#[pymethods]
impl PyIndex {
    /// Opens and verifies the file at `path`; `ValueError` says why it is refused.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, key: &[u8]) -> PyResult<Self> {
        let key = secret(key)?;
        py.detach(|| Index::open(&path, &key))
            .map(|index| Self(Arc::new(index)))
            .map_err(PyValueError::new_err)
    }

    /// The codes of all records for a host, most specific first.
    fn match_host(&self, host: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(host, as_host)
    }

    /// The codes of all records for a URL, most specific first.
    fn match_url(&self, url: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(url, as_url)
    }

    /// Like `match_url`, for planes that see only the host.
    fn match_url_host(&self, url: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(url, as_url_host)
    }

    /// `match_host` for many. `resolve` makes an answer of codes (asked once for each distinct
    /// answer in the batch), or of a str: the reason why a word is no host.
    fn match_hosts<'py>(
        &self,
        hosts: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(hosts, resolve, as_host, Tell::Spelling)
    }

    /// `match_url` for many, with `resolve` as in `match_hosts`.
    fn match_urls<'py>(
        &self,
        urls: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(urls, resolve, as_url, Tell::Spelling)
    }

    /// `match_hosts` without a look at spellings: no code says that one is folded.
    fn which_hosts<'py>(
        &self,
        hosts: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(hosts, resolve, as_host, Tell::Records)
    }

    /// `match_urls` without a look at spellings: no code says that one is folded.
    fn which_urls<'py>(
        &self,
        urls: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(urls, resolve, as_url, Tell::Records)
    }

    /// `match_host` with the opaque reference of each record.
    fn explain_host(&self, host: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, u64)>> {
        self.explain(host, as_host)
    }

    /// `match_url` with the opaque reference of each record.
    fn explain_url(&self, url: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, u64)>> {
        self.explain(url, as_url)
    }

    /// Whether a list holds each of these entries, in whatever spelling. `ValueError`: the index holds no
    /// entries of such a kind.
    fn holds(
        &self,
        py: Python<'_>,
        list_number: u32,
        entries: &Bound<'_, PyList>,
    ) -> PyResult<Vec<bool>> {
        let mut records = Vec::with_capacity(entries.len());
        each_entry(entries, |entry| {
            records.push(self.0.record_of(list_number, entry)?);
            Ok(())
        })?;
        Ok(py.detach(|| each(&records, |some| self.0.holds_each(some))))
    }

    /// Whether the file still is what was opened and verified.
    fn is_whole(&self, py: Python<'_>) -> bool {
        py.detach(|| self.0.is_whole())
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn file_bytes(&self) -> usize {
        self.0.file_bytes()
    }
}
