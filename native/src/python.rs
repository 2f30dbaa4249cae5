//! The Python face. `cop_filter/_native.pyi` mirrors it; only the library's own modules import it.

use crate::builder::{Builder, Entry};
use crate::canonical::{self, Host, Invalid, Url};
use crate::index::{Index, Match};
use crate::layout::{RecordKind, MAX_LISTS};
use crate::spelling;
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use std::borrow::Cow;
use std::path::PathBuf;

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

/// (scheme, host, path, query, spelling tag) of a URL; ValueError gives the reason.
#[pyfunction]
fn canonical_url(url: &Bound<'_, PyAny>) -> PyResult<UrlParts> {
    url_parts(&raw(url)?).map_err(invalid)
}

/// (name, spelling tag, is an address) of a host; ValueError gives the reason.
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

// ---------------------------------------------------------------- index

/// A published index, memory-mapped and read-only.
#[pyclass(frozen, name = "Index", module = "cop_filter._native")]
struct PyIndex(Index);

/// What a match tells Python: `list << 4 | kind << 1 | folded`.
fn code(hit: &Match, tag: u32, index: &Index) -> u32 {
    let stored = hit.meta.tag();
    let folded = if hit.meta.kind() == RecordKind::Prefix {
        // A prefix is a part of what was asked: its tag cannot equal the whole's.
        stored != 0 || tag != 0
    } else {
        stored != index.keyed_hash().tag(tag)
    };
    hit.meta.list() << 4 | (hit.meta.kind() as u32) << 1 | u32::from(folded)
}

type Hits<'py> = Option<(Bound<'py, PyTuple>, Bound<'py, PyTuple>)>;

impl PyIndex {
    fn hits<'py>(
        &self,
        py: Python<'py>,
        found: &[Match],
        tags: impl Fn(RecordKind) -> u32,
    ) -> PyResult<Hits<'py>> {
        if found.is_empty() {
            return Ok(None);
        }
        let codes = found
            .iter()
            .map(|hit| code(hit, tags(hit.meta.kind()), &self.0));
        Ok(Some((
            PyTuple::new(py, codes.collect::<Vec<_>>())?,
            PyTuple::new(py, found.iter().map(|hit| hit.reference))?,
        )))
    }

    fn host_hits<'py>(&self, py: Python<'py>, word: &[u8], host: &Host<'_>) -> PyResult<Hits<'py>> {
        let mut found = Vec::new();
        self.0.match_host(host, &mut found);
        self.hits(py, &found, |_| spelling::host_tag(word, host))
    }

    fn url_hits<'py>(
        &self,
        py: Python<'py>,
        word: &[u8],
        url: &Url<'_>,
        host_only: bool,
    ) -> PyResult<Hits<'py>> {
        let mut found = Vec::new();
        if host_only {
            self.0.match_host(&url.host, &mut found);
        } else {
            self.0.match_url(url, &mut found);
        }
        self.hits(py, &found, |kind| {
            if kind.is_host_level() {
                spelling::url_host_tag(word, url)
            } else {
                spelling::url_tag(word, url)
            }
        })
    }
}

#[pymethods]
impl PyIndex {
    /// Opens and verifies the file at `path`; ValueError says why it is refused.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, key: &[u8]) -> PyResult<Self> {
        let key = secret(key)?;
        py.detach(|| Index::open(&path, &key))
            .map(Self)
            .map_err(PyValueError::new_err)
    }

    /// None, or (codes, references) of all records for a host, most specific first.
    fn match_host<'py>(&self, py: Python<'py>, host: &Bound<'py, PyAny>) -> PyResult<Hits<'py>> {
        let word = raw(host)?;
        let host = canonical::host(&word).map_err(invalid)?;
        self.host_hits(py, &word, &host)
    }

    /// None, or (codes, references) of all records for a URL, most specific first.
    fn match_url<'py>(&self, py: Python<'py>, url: &Bound<'py, PyAny>) -> PyResult<Hits<'py>> {
        let word = raw(url)?;
        let url = canonical::url(&word).map_err(invalid)?;
        self.url_hits(py, &word, &url, false)
    }

    /// Like `match_url`, for planes that see only the host.
    fn match_url_host<'py>(&self, py: Python<'py>, url: &Bound<'py, PyAny>) -> PyResult<Hits<'py>> {
        let word = raw(url)?;
        let url = canonical::url(&word).map_err(invalid)?;
        self.url_hits(py, &word, &url, true)
    }

    /// `match_host` for many: an answer is None, (codes, references), or the reason (str) for none.
    fn match_hosts<'py>(
        &self,
        py: Python<'py>,
        hosts: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.batch(py, hosts, |word| {
            Ok(match canonical::host(word) {
                Ok(host) => Ok(self.host_hits(py, word, &host)?),
                Err(reason) => Err(reason),
            })
        })
    }

    /// `match_url` for many: an answer is None, (codes, references), or the reason (str) for none.
    fn match_urls<'py>(
        &self,
        py: Python<'py>,
        urls: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.batch(py, urls, |word| {
            Ok(match canonical::url(word) {
                Ok(url) => Ok(self.url_hits(py, word, &url, false)?),
                Err(reason) => Err(reason),
            })
        })
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn file_bytes(&self) -> usize {
        self.0.file_bytes()
    }
}

impl PyIndex {
    fn batch<'py>(
        &self,
        py: Python<'py>,
        words: &Bound<'py, PyList>,
        ask: impl Fn(&[u8]) -> PyResult<Result<Hits<'py>, Invalid>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let none = py.None().into_bound(py);
        let mut out: Vec<Bound<'py, PyAny>> = Vec::with_capacity(words.len());
        for word in words.iter() {
            out.push(match ask(&raw(&word)?)? {
                Ok(None) => none.clone(),
                Ok(Some(hits)) => hits.into_pyobject(py)?.into_any(),
                Err(reason) => PyString::new(py, &reason.to_string()).into_any(),
            });
        }
        PyList::new(py, out)
    }
}

// ---------------------------------------------------------------- builder

/// Collects entries and writes an index file.
#[pyclass(name = "Builder", module = "cop_filter._native")]
struct PyBuilder(Builder);

#[pymethods]
impl PyBuilder {
    #[new]
    fn new(key: &[u8]) -> PyResult<Self> {
        Ok(Self(Builder::new(&secret(key)?)))
    }

    /// Adds entries `(kind, key, tag, only_below, any_query)` to the list with this number.
    fn add(&mut self, list_number: u32, entries: &Bound<'_, PyList>) -> PyResult<()> {
        check_number(list_number)?;
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
            self.0
                .add(list_number, &entry)
                .map_err(PyValueError::new_err)?;
        }
        Ok(())
    }

    /// Takes over one list from an open index, under a new number.
    fn carry(&mut self, index: &PyIndex, from_number: u32, to_number: u32) -> PyResult<()> {
        check_number(to_number)?;
        self.0.carry(&index.0, from_number, to_number);
        Ok(())
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

#[pymodule]
pub mod _native {
    #[pymodule_export]
    use super::{
        canonical_host, canonical_hosts, canonical_text_by_definition, canonical_url,
        canonical_urls, PyBuilder, PyIndex,
    };
}
