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
use std::collections::HashMap;
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

// ---------------------------------------------------------------- index

/// A question in canonical form, with what it takes to tell its spelling when it hits.
enum Question<'a> {
    Host(&'a [u8], Host<'a>),
    Url(&'a [u8], Url<'a>),
    /// A URL on a plane that sees only its host.
    UrlHost(&'a [u8], Url<'a>),
}

type Read = for<'a> fn(&'a [u8]) -> Result<Question<'a>, Invalid>;

fn as_host(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::host(word).map(|host| Question::Host(word, host))
}

fn as_url(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::url(word).map(|url| Question::Url(word, url))
}

fn as_url_host(word: &[u8]) -> Result<Question<'_>, Invalid> {
    canonical::url(word).map(|url| Question::UrlHost(word, url))
}

impl Question<'_> {
    fn host(&self) -> &Host<'_> {
        match self {
            Self::Host(_, host) => host,
            Self::Url(_, url) | Self::UrlHost(_, url) => &url.host,
        }
    }

    fn ask(&self, index: &Index, found: &mut Vec<Match>) {
        match self {
            Self::Host(..) | Self::UrlHost(..) => index.match_host(self.host(), found),
            Self::Url(_, url) => index.match_url(url, found),
        }
    }

    fn tag(&self, kind: RecordKind) -> u32 {
        match self {
            Self::Host(word, host) => spelling::host_tag(word, host),
            Self::Url(word, url) if !kind.is_host_level() => spelling::url_tag(word, url),
            Self::Url(word, url) | Self::UrlHost(word, url) => spelling::url_host_tag(word, url),
        }
    }

    /// What a match tells Python: `list << 5 | kind << 1 | folded`.
    fn code(&self, hit: &Match, index: &Index) -> u32 {
        let (kind, stored) = (hit.meta.kind(), hit.meta.tag());
        let asked = self.tag(kind);
        let folded = if kind == RecordKind::Prefix {
            // A prefix is a part of what was asked: its tag cannot equal the whole's.
            stored != 0 || asked != 0
        } else {
            stored != index.keyed_hash().tag(asked)
        };
        hit.meta.list() << 5 | (kind as u32) << 1 | u32::from(folded)
    }

    fn codes(&self, index: &Index, found: &[Match]) -> Codes {
        match found {
            [] => Codes::None,
            [hit] => Codes::One(self.code(hit, index)),
            _ => Codes::Many(found.iter().map(|hit| self.code(hit, index)).collect()),
        }
    }
}

/// In Python: None, one code as an int, or a tuple of codes. Most answers allocate nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Codes {
    None,
    One(u32),
    Many(Vec<u32>),
}

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

/// A published index, memory-mapped and read-only.
#[pyclass(frozen, name = "Index", module = "cop_filter._native")]
struct PyIndex(Index);

/// Questions that are looked at together, so that their waits for memory overlap.
const TOGETHER: usize = 64;

impl PyIndex {
    fn one(&self, word: &Bound<'_, PyAny>, read: Read) -> PyResult<Codes> {
        let bytes = raw(word)?;
        let question = read(&bytes).map_err(invalid)?;
        let mut found = Vec::new();
        question.ask(&self.0, &mut found);
        Ok(question.codes(&self.0, &found))
    }

    fn many<'py>(
        &self,
        words: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
        read: Read,
    ) -> PyResult<Bound<'py, PyList>> {
        let nothing = resolve.call1((Codes::None,))?;
        let mut resolved = HashMap::new();
        let mut out = Vec::with_capacity(words.len());
        let (mut probes, mut found) = (Vec::new(), Vec::new());
        for start in (0..words.len()).step_by(TOGETHER) {
            let chunk: Vec<_> = (start..words.len().min(start + TOGETHER))
                .map(|i| words.get_item(i))
                .collect::<PyResult<_>>()?;
            let bytes: Vec<_> = chunk.iter().map(raw).collect::<PyResult<_>>()?;
            let mut may_match = [false; TOGETHER];
            probes.clear();
            for (i, word) in bytes.iter().enumerate() {
                match read(word) {
                    Ok(question) => {
                        probes.extend(self.0.probes(question.host()).map(|probe| (i, probe)));
                    }
                    // Looked at once more below, for its reason.
                    Err(_) => may_match[i] = true,
                }
            }
            // Nothing but loads of memory that do not depend on each other: the waits overlap.
            for (i, probe) in &probes {
                may_match[*i] |= self.0.may_match(*probe);
            }
            for (word, may_match) in bytes.iter().zip(may_match) {
                out.push(if may_match {
                    self.answer(word, read, resolve, &mut resolved, &mut found)?
                } else {
                    nothing.clone()
                });
            }
        }
        PyList::new(words.py(), out)
    }

    fn answer<'py>(
        &self,
        word: &[u8],
        read: Read,
        resolve: &Bound<'py, PyAny>,
        resolved: &mut HashMap<Codes, Bound<'py, PyAny>>,
        found: &mut Vec<Match>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let question = match read(word) {
            Ok(question) => question,
            Err(reason) => return resolve.call1((reason.to_string(),)),
        };
        found.clear();
        question.ask(&self.0, found);
        let codes = question.codes(&self.0, found);
        if let Some(answer) = resolved.get(&codes) {
            return Ok(answer.clone());
        }
        let answer = resolve.call1((codes.clone(),))?;
        resolved.insert(codes, answer.clone());
        Ok(answer)
    }

    fn explain(&self, word: &Bound<'_, PyAny>, read: Read) -> PyResult<Vec<(u32, u64)>> {
        let bytes = raw(word)?;
        let question = read(&bytes).map_err(invalid)?;
        let mut found = Vec::new();
        question.ask(&self.0, &mut found);
        Ok(found
            .iter()
            .map(|hit| (question.code(hit, &self.0), hit.reference))
            .collect())
    }
}

#[pymethods]
impl PyIndex {
    /// Opens and verifies the file at `path`; `ValueError` says why it is refused.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, key: &[u8]) -> PyResult<Self> {
        let key = secret(key)?;
        py.detach(|| Index::open(&path, &key))
            .map(Self)
            .map_err(PyValueError::new_err)
    }

    /// The codes of all records for a host, most specific first.
    fn match_host(&self, host: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(host, as_host)
    }

    /// The codes of all records for a URL, most specific first.
    fn match_url(&self, url: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(url, as_url)
    }

    /// Like `match_url`, for planes that see only the host.
    fn match_url_host(&self, url: &Bound<'_, PyAny>) -> PyResult<Codes> {
        self.one(url, as_url_host)
    }

    /// `match_host` for many. `resolve` makes an answer of codes (asked once for each distinct
    /// answer in the batch), or of a str: the reason why a word is no host.
    fn match_hosts<'py>(
        &self,
        hosts: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(hosts, resolve, as_host)
    }

    /// `match_url` for many, with `resolve` as in `match_hosts`.
    fn match_urls<'py>(
        &self,
        urls: &Bound<'py, PyList>,
        resolve: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.many(urls, resolve, as_url)
    }

    /// `match_host` with the opaque reference of each record.
    fn explain_host(&self, host: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, u64)>> {
        self.explain(host, as_host)
    }

    /// `match_url` with the opaque reference of each record.
    fn explain_url(&self, url: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, u64)>> {
        self.explain(url, as_url)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn file_bytes(&self) -> usize {
        self.0.file_bytes()
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
