//! The budget of what is told, and the hosts that it spares, in Python.

use super::clients::address;
use super::raw;
use crate::dns::waiting::random_words;
use crate::oracle::{Oracle, Salts, MOST_BUDGET};
use crate::protected::Protected;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};

/// What each client network may still be told, shared with the fast path of this process and with others.
#[pyclass(frozen, name = "Oracle", module = "cop_filter._native")]
pub struct PyOracle(pub Arc<Oracle>);

#[pymethods]
impl PyOracle {
    /// `budget` entries in `window_s` seconds for each network, for this process and those that it forks;
    /// 0: no limit.
    #[new]
    fn new(budget: usize, window_s: f64) -> PyResult<Self> {
        possible(budget, window_s)?;
        Ok(Self(Arc::new(Oracle::new(budget, window_s, salts()?)?)))
    }

    /// The same, for those too that are handed its descriptor.
    #[staticmethod]
    fn shared(budget: usize, window_s: f64) -> PyResult<Self> {
        possible(budget, window_s)?;
        Ok(Self(Arc::new(Oracle::shared(budget, window_s, salts()?)?)))
    }

    /// The one behind a descriptor, which stays the caller's. `OSError`: it is none, or counts something else.
    #[staticmethod]
    fn joined(descriptor: RawFd, budget: usize, window_s: f64) -> PyResult<Self> {
        possible(budget, window_s)?;
        let joined = Oracle::joined(descriptor, budget, window_s, salts()?)?;
        Ok(Self(Arc::new(joined)))
    }

    /// The descriptor to hand on, open as long as this lives; None unless it is `shared`.
    #[getter]
    fn descriptor(&self) -> Option<RawFd> {
        self.0.descriptor()
    }

    /// What a client's network is known by here; what is no address counts as one network.
    fn account(&self, client: &Bound<'_, PyString>) -> u64 {
        let client = client.to_str().ok().and_then(address);
        client.map_or(0, |client| self.0.account(client))
    }

    /// Whether a network has spent its budget, so that it is refused whatever it asks.
    fn is_spent(&self, account: u64, now_s: f64) -> bool {
        self.0.is_spent(account, now_s)
    }

    /// Whether a network may be told of one more entry; that is counted.
    fn tell(&self, account: u64, key: u64, now_s: f64) -> bool {
        self.0.tell(account, key, now_s)
    }

    /// What this process saw since the last time: networks that have spent their budget, networks that could
    /// not be told apart, and in which window the last one spent its budget.
    fn collect(&self) -> (u64, u64, u64) {
        let counts = self.0.collect();
        (counts.spent, counts.crowded, counts.window)
    }
}

fn possible(budget: usize, window_s: f64) -> PyResult<()> {
    if window_s.is_nan() || window_s <= 0.0 {
        return Err(PyValueError::new_err("a window is longer than nothing"));
    }
    if budget > MOST_BUDGET {
        let problem = format!("a budget is at most {MOST_BUDGET}");
        return Err(PyValueError::new_err(problem));
    }
    Ok(())
}

fn salts() -> PyResult<Salts> {
    let last = Mutex::new(random_words()?);
    Ok(Box::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // Once the system gave some, it always does; if not, the next is at least another.
        *last = random_words().unwrap_or([last[1], last[0].wrapping_add(1)]);
        *last
    }))
}

/// The hosts that no list can block.
#[pyclass(frozen, name = "Protected", module = "cop_filter._native")]
pub struct PyProtected(pub Arc<Protected>);

#[pymethods]
impl PyProtected {
    /// Those of these lists of an index.
    #[new]
    fn new(py: Python<'_>, index: &super::index::PyIndex, lists: Vec<u32>) -> Self {
        let index = Arc::clone(&index.0);
        Self(Arc::new(py.detach(|| Protected::new(&index, &lists))))
    }

    /// Whether a host is among them; what is no host is not.
    fn holds(&self, host: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.0.holds(&raw(host)?))
    }
}
