//! Building an index, as Python sees it.

use super::index::PyIndex;
use super::secret;
use crate::builder::Builder;
use crate::change::Change;
use crate::entries::Entry;
use crate::records::MAX_LISTS;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use std::collections::HashMap;
use std::path::PathBuf;

/// Visits entries `(kind, key, tag, only_below, any_query)`.
pub fn each_entry(
    entries: &Bound<'_, PyList>,
    mut visit: impl FnMut(&Entry<'_>) -> Result<(), String>,
) -> PyResult<()> {
    for entry in entries.iter() {
        let entry = entry.cast::<PyTuple>()?;
        let (kind, key) = (entry.get_item(0)?, entry.get_item(1)?);
        let (kind, key) = (kind.cast::<PyString>()?, key.cast::<PyString>()?);
        let entry = Entry {
            kind: kind.to_str()?,
            key: key.to_str()?,
            tag: entry.get_item(2)?.extract()?,
            only_below: entry.get_item(3)?.is_truthy()?,
            any_query: entry.get_item(4)?.is_truthy()?,
        };
        visit(&entry).map_err(PyValueError::new_err)?;
    }
    Ok(())
}

/// Collects entries and writes an index file.
#[pyclass(name = "Builder", module = "cop_filter._native")]
pub struct PyBuilder(Builder);

#[pymethods]
impl PyBuilder {
    #[new]
    fn new(key: &[u8]) -> PyResult<Self> {
        Ok(Self(Builder::new(&secret(key)?)))
    }

    /// Adds entries to the list with this number.
    fn add(&mut self, list_number: u32, entries: &Bound<'_, PyList>) -> PyResult<()> {
        check_number(list_number)?;
        each_entry(entries, |entry| self.0.add(list_number, entry))
    }

    /// Takes over lists from an open index: new numbers by old ones.
    fn carry(
        &mut self,
        py: Python<'_>,
        index: &PyIndex,
        numbers: HashMap<u32, u32>,
    ) -> PyResult<()> {
        numbers
            .values()
            .try_for_each(|number| check_number(*number))?;
        py.detach(|| self.0.carry(&index.0, &numbers));
        Ok(())
    }

    /// Takes over one list from an open index (old number, new number), with what comes and without what goes. `ValueError` says
    /// why this is no change of that list; nothing is taken over then.
    fn amend(
        &mut self,
        py: Python<'_>,
        index: &PyIndex,
        numbers: (u32, u32),
        added: &Bound<'_, PyList>,
        removed: &Bound<'_, PyList>,
    ) -> PyResult<()> {
        let (from_number, to_number) = numbers;
        check_number(to_number)?;
        let mut change = Change::of(&index.0, from_number);
        each_entry(removed, |entry| {
            change.remove(entry).map_err(|reason| reason.to_string())
        })?;
        each_entry(added, |entry| {
            change.add(entry).map_err(|reason| reason.to_string())
        })?;
        py.detach(|| {
            change
                .prove()
                .map(|proven| self.0.amend(&proven, to_number))
        })
        .map_err(|reason| PyValueError::new_err(reason.to_string()))
    }

    /// Sorts, removes duplicates, and counts the distinct entries of each list number.
    fn settle(&mut self, py: Python<'_>) -> Vec<u64> {
        py.detach(|| self.0.settle())
    }

    /// Writes what was settled to a new file and syncs it to disk.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.write(&path)).map_err(|e| {
            // Only the kind of the error: paths stay out of messages.
            PyOSError::new_err((e.raw_os_error().unwrap_or(0), e.kind().to_string()))
        })
    }
}

fn check_number(list_number: u32) -> PyResult<()> {
    if list_number >= MAX_LISTS {
        return Err(PyValueError::new_err("list numbers go up to 4095"));
    }
    Ok(())
}
