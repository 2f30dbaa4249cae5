//! Codes in Python: None, one code as an int, or a tuple of codes.

use crate::question::Codes;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

impl<'py> IntoPyObject<'py> for Codes {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::None => py.None().into_bound(py),
            Self::One(code) => code.into_pyobject(py)?.into_any(),
            Self::Many(codes) => PyTuple::new(py, codes)?.into_any(),
        })
    }
}
