//! Fingerprints as Python sees them: `cop_filter/fingerprints.py` is their face.

use crate::fingerprints::{self, PRINT_BYTES};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

/// The fingerprints of lines, ascending, none twice.
#[pyfunction]
pub fn fingerprints_of_lines<'py>(
    py: Python<'py>,
    lines: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut prints = Vec::with_capacity(lines.len());
    for line in lines.iter() {
        let line = line.cast::<PyString>()?.to_str()?;
        prints.push(fingerprints::of_line(line.as_bytes()));
    }
    let prints = py.detach(|| fingerprints::to_bytes(prints));
    Ok(PyBytes::new(py, &prints))
}

/// The fingerprints of a body's lines, ascending; `ValueError`: one is there twice, or it is no text.
#[pyfunction]
pub fn fingerprints_of_body<'py>(py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let prints = py
        .detach(|| fingerprints::of_body(body))
        .map_err(|reason| PyValueError::new_err(reason.to_string()))?;
    // Written in place: of a million lines, every copy counts.
    PyBytes::new_with(py, prints.len() * PRINT_BYTES, |out| {
        for (to, print) in out.chunks_exact_mut(PRINT_BYTES).zip(prints) {
            to.copy_from_slice(&print.to_be_bytes());
        }
        Ok(())
    })
}

/// Fingerprints after a change; `ValueError` says why it cannot be one of theirs.
#[pyfunction]
pub fn change_fingerprints<'py>(
    py: Python<'py>,
    prints: &[u8],
    removed: &[u8],
    added: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    py.detach(|| fingerprints::change(prints, removed, added))
        .map(|changed| PyBytes::new(py, &changed))
        .map_err(|reason| PyValueError::new_err(reason.to_string()))
}
