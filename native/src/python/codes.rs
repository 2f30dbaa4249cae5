//! Codes in Python: None, one code as an int, or a tuple of codes.

use crate::question::Codes;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple};

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

impl FromPyObject<'_, '_> for Codes {
    type Error = PyErr;

    fn extract(codes: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if codes.is_none() {
            return Ok(Self::None);
        }
        if codes.is_instance_of::<PyInt>() {
            return Ok(Self::One(codes.extract()?));
        }
        Ok(Self::Many(codes.extract()?))
    }
}
