//! The counting of entries by registered domain as Python sees it.

use crate::domains::Domains;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

/// (place, hash of the registered domain) of entries that are to be compared with each other.
type Sample = Vec<(usize, u64)>;

/// Counts the entries of a list by their registered domains.
#[pyclass(name = "Domains", module = "cop_filter._native")]
pub struct PyDomains(Domains);

#[pymethods]
impl PyDomains {
    /// `before` is the table of what a change is counted upon; None: nothing, a list is counted whole.
    /// `ValueError`: it is none.
    #[new]
    #[pyo3(signature = (key, suffixes, tails, ends, before=None))]
    fn new(
        key: &[u8],
        suffixes: Vec<String>,
        tails: Vec<String>,
        ends: Vec<String>,
        before: Option<&[u8]>,
    ) -> PyResult<Self> {
        let key = key
            .try_into()
            .map_err(|_| PyValueError::new_err("the key has 16 bytes"))?;
        let fresh = Domains::new(key, &suffixes, &tails, &ends);
        let Some(table) = before else {
            return Ok(Self(fresh));
        };
        let upon = fresh.upon(table);
        upon.map(Self)
            .ok_or_else(|| PyValueError::new_err("the table of its domains is damaged"))
    }

    /// Counts entries `(kind, key, ...)`. Gives the places of those that were not: keywords, and odd
    /// hosts; a sample of the others, where the hash has none of the mask's bits; and how many of the
    /// others are registered domains whole.
    fn add(
        &mut self,
        entries: &Bound<'_, PyList>,
        mask: u64,
    ) -> PyResult<(Vec<usize>, Sample, usize)> {
        let (mut odd, mut sample, mut whole) = (Vec::new(), Vec::new(), 0);
        for (at, entry) in entries.iter().enumerate() {
            let entry = entry.cast::<PyTuple>()?;
            let (kind, key) = (entry.get_item(0)?, entry.get_item(1)?);
            let kind = kind.cast::<PyString>()?.to_str()?;
            let key = key.cast::<PyString>()?.to_str()?.as_bytes();
            let found = (kind != "keyword").then(|| self.0.add(key)).flatten();
            let Some((hash, is_domain)) = found else {
                odd.push(at);
                continue;
            };
            whole += usize::from(is_domain && kind == "domain");
            if hash & mask == 0 {
                sample.push((at, hash));
            }
        }
        Ok((odd, sample, whole))
    }

    /// Counts one entry for each of these registered domains, and gives the sample of them.
    fn count(&mut self, domains: Vec<String>, mask: u64) -> Sample {
        let hashes = domains.iter().map(|domain| self.0.count(domain.as_bytes()));
        let hashes = hashes.enumerate();
        hashes.filter(|(_, hash)| hash & mask == 0).collect()
    }

    /// Counts entries that go. Gives the places of those that were not counted: keywords, and odd hosts.
    fn remove(&mut self, entries: &Bound<'_, PyList>) -> PyResult<Vec<usize>> {
        let mut odd = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let entry = entry.cast::<PyTuple>()?;
            let (kind, key) = (entry.get_item(0)?, entry.get_item(1)?);
            let is_keyword = kind.cast::<PyString>()?.to_str()? == "keyword";
            let key = key.cast::<PyString>()?.to_str()?.as_bytes();
            if is_keyword || !self.0.remove(key) {
                odd.push(at);
            }
        }
        Ok(odd)
    }

    /// Counts one entry that goes for each of these registered domains.
    fn uncount(&mut self, domains: Vec<String>) {
        for domain in domains {
            self.0.uncount(domain.as_bytes());
        }
    }

    /// Of the registered domains that grow: (those with more entries than `limit`, entries under the one
    /// with most)
    fn over(&mut self, py: Python<'_>, limit: usize) -> (usize, usize) {
        py.detach(|| self.0.over(limit))
    }

    /// What the next change of the list is counted upon.
    fn table<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let table = py.detach(|| self.0.table());
        PyBytes::new(py, &table)
    }
}
