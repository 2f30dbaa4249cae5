//! Upstreams' answers and the answer cache in Python.
//!
//! The cache is locked for single look-ups and small steps only, and never while Python runs.

use crate::dns::cache::{self, locked, Cache, Judged};
use crate::dns::response::{self, Answer, Unusable};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyTuple};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

create_exception!(
    cop_filter._native,
    MismatchError,
    PyValueError,
    "The packet is no response to the question that was asked: somebody else's, or forged."
);
create_exception!(
    cop_filter._native,
    MalformedError,
    PyValueError,
    "The packet is a response to the question, and cannot be read."
);

/// (QNAME in wire form and lower case, QTYPE, DO, CD)
type Asked = (PyBackedBytes, u16, bool, bool);
/// The same on the way out.
type Kept<'py> = (Bound<'py, PyBytes>, u16, bool, bool);

/// Answers copied out of the cache between two locks.
const STEP: usize = 1000;

/// Reads the response to a question (QNAME in lower case, QTYPE, QCLASS) asked under an id.
#[pyfunction]
pub fn read_answer(packet: &[u8], question: &[u8], id_: u16) -> PyResult<PyAnswer> {
    match response::read(packet, question, id_) {
        Ok(answer) => Ok(PyAnswer(Arc::new(answer))),
        Err(Unusable::Mismatch(reason)) => Err(MismatchError::new_err(reason)),
        Err(Unusable::Malformed(reason)) => Err(MalformedError::new_err(reason)),
    }
}

/// An upstream's answer.
#[pyclass(frozen, eq, name = "Answer", module = "cop_filter._native")]
#[derive(Clone, PartialEq)]
pub struct PyAnswer(pub Arc<Answer>);

#[pymethods]
impl PyAnswer {
    #[new]
    #[pyo3(signature = (rcode, answers=0, authorities=0, body=None, ttls=Vec::new(), lifetime_s=0,
                        hosts=Vec::new(), ede=Vec::new(), truncated=false),
           text_signature = "(rcode, answers=0, authorities=0, body=b'', ttls=(), lifetime_s=0, \
                             hosts=(), ede=(), truncated=False)")]
    #[allow(clippy::too_many_arguments)] // the fields, of which callers name the few they need
    fn new(
        rcode: u16,
        answers: u16,
        authorities: u16,
        body: Option<&[u8]>,
        ttls: Vec<(u16, u32)>,
        lifetime_s: u32,
        hosts: Vec<PyBackedBytes>,
        ede: Vec<u16>,
        truncated: bool,
    ) -> Self {
        Self(Arc::new(Answer {
            rcode,
            answers,
            authorities,
            body: body.unwrap_or_default().into(),
            ttls: ttls.into(),
            lifetime_s,
            hosts: hosts.iter().map(|host| host[..].into()).collect(),
            ede: ede.into(),
            truncated,
        }))
    }

    #[getter]
    fn rcode(&self) -> u16 {
        self.0.rcode
    }

    #[getter]
    fn answers(&self) -> u16 {
        self.0.answers
    }

    #[getter]
    fn authorities(&self) -> u16 {
        self.0.authorities
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    #[getter]
    fn ttls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &*self.0.ttls)
    }

    #[getter]
    fn lifetime_s(&self) -> u32 {
        self.0.lifetime_s
    }

    #[getter]
    fn hosts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.hosts.iter().map(|host| PyBytes::new(py, host)))
    }

    #[getter]
    fn ede<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &*self.0.ede)
    }

    #[getter]
    fn truncated(&self) -> bool {
        self.0.truncated
    }

    #[getter]
    fn conclusive(&self) -> bool {
        self.0.conclusive()
    }

    /// The records after `age_s` seconds in the cache.
    fn aged_body<'py>(&self, py: Python<'py>, age_s: u32) -> Bound<'py, PyBytes> {
        let mut out = Vec::with_capacity(self.0.body.len());
        self.0.aged_body(age_s, &mut out);
        PyBytes::new(py, &out)
    }

    /// The records with every lifetime `ttl_s`.
    fn stale_body<'py>(&self, py: Python<'py>, ttl_s: u32) -> Bound<'py, PyBytes> {
        let mut out = Vec::with_capacity(self.0.body.len());
        self.0.stale_body(ttl_s, &mut out);
        PyBytes::new(py, &out)
    }
}

/// The cache, shared with whoever else answers in this process. `now_s` is monotonic seconds.
#[pyclass(frozen, name = "AnswerCache", module = "cop_filter._native")]
pub struct PyAnswerCache {
    pub(crate) shared: Arc<Mutex<Cache>>,
    max_bytes: usize,
}

impl PyAnswerCache {
    fn lock(&self) -> MutexGuard<'_, Cache> {
        locked(&self.shared)
    }
}

#[pymethods]
impl PyAnswerCache {
    #[new]
    fn new(max_bytes: usize) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Cache::new(max_bytes))),
            max_bytes,
        }
    }

    /// The answer and its age in whole seconds, if it is fresh.
    fn get(&self, asked: Asked, now_s: f64) -> Option<(PyAnswer, u32)> {
        let key = key(&asked);
        let mut cache = self.lock();
        let hit = cache.get(&key, now_s)?;
        Some((PyAnswer(Arc::clone(hit.answer)), hit.age_s))
    }

    /// The conclusive answer, if it is fresh or expired less than a day ago.
    fn stale(&self, asked: Asked, now_s: f64) -> Option<PyAnswer> {
        let answer = self.lock().stale(&key(&asked), now_s).map(Arc::clone);
        answer.map(PyAnswer)
    }

    /// Keeps an answer that nobody has judged.
    fn put(&self, asked: Asked, answer: &Bound<'_, PyAnswer>, now_s: f64) {
        let answer = Arc::clone(&answer.get().0);
        self.lock()
            .put(&key(&asked), answer, Judged::default(), now_s);
    }

    /// The answer however old, without counting as a use.
    fn peek(&self, asked: Asked) -> Option<PyAnswer> {
        let answer = self.lock().peek(&key(&asked)).map(Arc::clone);
        answer.map(PyAnswer)
    }

    /// Forgets one answer, if it is there.
    fn drop(&self, asked: Asked) {
        self.lock().forget(&key(&asked));
    }

    /// Forgets all.
    fn clear(&self) {
        let old = mem::replace(&mut *self.lock(), Cache::new(self.max_bytes));
        // A million answers take their time: nobody waits for the lock meanwhile.
        mem::drop(old);
    }

    /// What is kept now.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Vec<Kept<'py>>> {
        let mut end = self.__len__();
        let mut all = Vec::with_capacity(end);
        while end > 0 {
            all.extend(self.before(py, end, STEP)?.into_iter().map(|(key, _)| key));
            end = end.saturating_sub(STEP);
        }
        Ok(all)
    }

    /// At most `count` questions and answers, those before place `end`, last one first. All are seen
    /// with `end` at the length first and smaller by `count` each time, whatever is dropped meanwhile.
    fn before<'py>(
        &self,
        py: Python<'py>,
        end: usize,
        count: usize,
    ) -> PyResult<Vec<(Kept<'py>, PyAnswer)>> {
        let step: Vec<_> = self
            .lock()
            .before(end, count)
            .map(|(key, answer)| (Box::<[u8]>::from(key), Arc::clone(answer)))
            .collect();
        step.into_iter()
            .map(|(key, answer)| {
                let (name, qtype, dnssec_ok, checking_disabled) = cache::question_of(&key)
                    .ok_or_else(|| PyValueError::new_err("a key is shorter than any"))?;
                let name = PyBytes::new(py, name);
                Ok((
                    (name, qtype, dnssec_ok, checking_disabled),
                    PyAnswer(answer),
                ))
            })
            .collect()
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }

    #[getter]
    fn used_bytes(&self) -> usize {
        self.lock().used_bytes()
    }
}

fn key((name, qtype, dnssec_ok, checking_disabled): &Asked) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 3);
    cache::key(name, *qtype, *dnssec_ok, *checking_disabled, &mut out);
    out
}
