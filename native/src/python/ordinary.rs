//! Ordinary lines as entries: a short cut for `cop_filter/entries.py`.

use crate::ordinary::{read, Ordinary};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// Reads lines as entries, which `make` makes of `(kind, key, tag, False, False)`; `kinds` are those of a
/// domain and a URL. Gives the entries, None in the place of what is not ordinary, and those places.
#[pyfunction]
pub fn read_ordinary<'py>(
    py: Python<'py>,
    lines: &Bound<'py, PyList>,
    kinds: (Bound<'py, PyAny>, Bound<'py, PyAny>),
    make: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyList>, Vec<usize>)> {
    let mut entries = Vec::with_capacity(lines.len());
    let mut others = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let line = line.cast::<PyString>()?;
        // Lone surrogates have no UTF-8, and are left to who gives the reason.
        let (kind, key, tag) = match line.to_str().ok().and_then(|line| read(line.as_bytes())) {
            Some(Ordinary::Domain(key, tag)) => (&kinds.0, key, tag),
            Some(Ordinary::Page(key, tag)) => (&kinds.1, key, tag),
            None => {
                others.push(place);
                entries.push(py.None().into_bound(py));
                continue;
            }
        };
        let key = PyString::from_bytes(py, &key)?;
        entries.push(make.call1(((kind, key, tag, false, false),))?);
    }
    Ok((PyList::new(py, entries)?, others))
}
