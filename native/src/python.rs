//! The Python face. `cop_filter/_native.pyi` mirrors it; only the library's own modules import it.

mod answers;
mod builder;
mod clients;
mod codes;
mod domains;
mod fast;
mod fingerprints;
mod index;
mod lessons;
mod message;
mod oracle;
mod ordinary;

use crate::canonical::{self, Invalid};
use crate::spelling;
use builder::PyBuilder;
use clients::{PyNetworks, PyProfiles};
use index::PyIndex;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use std::borrow::Cow;

/// Text or bytes as bytes. Text may hold lone surrogates (bytes that some caller smuggled through
/// `surrogateescape`): those become their bytes again.
fn raw<'a>(word: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = word.cast::<PyString>() {
        if let Ok(text) = text.to_str() {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        for errors in ["surrogateescape", "surrogatepass"] {
            if let Ok(bytes) = word.call_method1("encode", ("utf-8", errors)) {
                return Ok(Cow::Owned(bytes.extract()?));
            }
        }
        return Err(PyValueError::new_err("it is not valid text"));
    }
    if let Ok(bytes) = word.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    Err(PyTypeError::new_err("a URL or host is str or bytes"))
}

fn invalid(reason: Invalid) -> PyErr {
    PyValueError::new_err(reason.to_string())
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Canonical forms are ASCII.
    String::from_utf8_lossy(bytes)
}

type UrlParts = (&'static str, String, String, Option<String>, u32);

fn url_parts(word: &[u8]) -> Result<UrlParts, Invalid> {
    let url = canonical::url(word)?;
    Ok((
        url.scheme,
        text(&url.host.name).into_owned(),
        text(url.path()).into_owned(),
        url.query.as_deref().map(|q| text(q).into_owned()),
        spelling::url_tag(word, &url),
    ))
}

fn host_parts(word: &[u8]) -> Result<(String, u32, bool), Invalid> {
    let host = canonical::host(word)?;
    Ok((
        text(&host.name).into_owned(),
        spelling::host_tag(word, &host),
        host.is_address,
    ))
}

/// (scheme, host, path, query, spelling tag) of a URL; `ValueError` gives the reason.
#[pyfunction]
fn canonical_url(url: &Bound<'_, PyAny>) -> PyResult<UrlParts> {
    url_parts(&raw(url)?).map_err(invalid)
}

/// (name, spelling tag, is an address) of a host; `ValueError` gives the reason.
#[pyfunction]
fn canonical_host(host: &Bound<'_, PyAny>) -> PyResult<(String, u32, bool)> {
    host_parts(&raw(host)?).map_err(invalid)
}

/// Like `canonical_url` for many; a string in the answer is the reason why there is none.
#[pyfunction]
fn canonical_urls<'py>(py: Python<'py>, urls: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    each(py, urls, url_parts)
}

/// Like `canonical_host` for many; a string in the answer is the reason why there is none.
#[pyfunction]
fn canonical_hosts<'py>(
    py: Python<'py>,
    hosts: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    each(py, hosts, host_parts)
}

fn each<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    words: &Bound<'py, PyList>,
    parts: impl Fn(&[u8]) -> Result<T, Invalid>,
) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for word in words.iter() {
        match parts(&raw(&word)?) {
            Ok(parts) => out.append(parts)?,
            Err(reason) => out.append(reason.to_string())?,
        }
    }
    Ok(out)
}

/// The definition of the canonical form without the one-pass reading, for tests.
#[pyfunction]
fn canonical_text_by_definition(url: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
    let word = raw(url)?;
    let slow = canonical::url_by_definition(&word).map_err(invalid)?;
    Ok((slow.scheme.to_owned(), text(&slow.key()).into_owned()))
}

fn secret(key: &[u8]) -> PyResult<[u8; 32]> {
    key.try_into()
        .map_err(|_| PyValueError::new_err("an index key has 32 bytes"))
}

#[pymodule]
pub mod _native {
    #[pymodule_export]
    use super::domains::PyDomains;

    #[pymodule_export]
    use super::fast::PyFastPath;

    #[pymodule_export]
    use super::fingerprints::{change_fingerprints, fingerprints_of_body, fingerprints_of_lines};

    #[pymodule_export]
    use super::lessons::PyHandUp;

    #[pymodule_export]
    use super::answers::{read_answer, MalformedError, MismatchError, PyAnswer, PyAnswerCache};

    #[pymodule_export]
    use super::message::{read_query, write_reply, write_upstream_query, PyCookies};

    #[pymodule_export]
    use super::ordinary::read_ordinary;

    #[pymodule_export]
    use super::oracle::{PyOracle, PyProtected};

    #[pymodule_export]
    use super::{
        canonical_host, canonical_hosts, canonical_text_by_definition, canonical_url,
        canonical_urls, PyBuilder, PyIndex, PyNetworks, PyProfiles,
    };
}
