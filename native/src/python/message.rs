//! Messages and cookies in Python: plain tuples, which `dns_resolver.wire` gives their names.

use super::clients::address;
use crate::dns::cookies::Cookies;
use crate::dns::edns::Opt;
use crate::dns::query::{self, Query, Read};
use crate::dns::reply::{self, Reply, Terms};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString};
use std::borrow::Cow;

/// (response code, id, flags, question, (payload bytes, version, DO), cookie)
type ReadParts<'a> = (
    u16,
    u16,
    u16,
    Cow<'a, [u8]>,
    Option<(u16, u8, bool)>,
    Option<Cow<'a, [u8]>>,
);
/// (id, flags, question, (payload bytes, DO), bytes of the packet)
type QueryParts = (u16, u16, PyBackedBytes, Option<(u16, bool)>, usize);
/// (response code, answers, authorities, body, EDE codes, policy)
type ReplyParts = (u16, u16, u16, PyBackedBytes, Vec<u16>, bool);
/// (payload bytes, stream, proven, cookie)
type TermsParts = (u16, bool, bool, Option<PyBackedBytes>);

/// The parts of a query, with the error that it deserves or NOERROR; None when no answer is due.
#[pyfunction]
pub fn read_query(packet: &[u8]) -> Option<ReadParts<'_>> {
    let (rcode, query) = match query::read(packet) {
        Read::Ignored => return None,
        Read::Rejected { rcode, query } => (rcode, query),
        Read::Query(query) => (query::rcode::NOERROR, query),
    };
    let opt = query.opt;
    Some((
        rcode,
        query.id,
        query.flags,
        query.question.into(),
        opt.map(|opt| (opt.payload_bytes, opt.version, opt.dnssec_ok)),
        query.cookie.map(Cow::from),
    ))
}

/// One whole response message.
#[pyfunction]
pub fn write_reply(
    py: Python<'_>,
    query: QueryParts,
    reply: ReplyParts,
    terms: TermsParts,
) -> PyResult<Bound<'_, PyBytes>> {
    let (id, flags, question, opt, packet_bytes) = &query;
    let (rcode, answers, authorities, body, ede, policy) = &reply;
    let (payload_bytes, stream, proven, cookie) = &terms;
    let query = Query {
        id: *id,
        flags: *flags,
        question,
        opt: opt.map(|(payload_bytes, dnssec_ok)| Opt::plain(payload_bytes, dnssec_ok)),
        cookie: None,
        other_options: false,
        packet_bytes: *packet_bytes,
    };
    let reply = Reply {
        rcode: *rcode,
        answers: *answers,
        authorities: *authorities,
        body,
        ede,
        policy: *policy,
    };
    let terms = Terms {
        payload_bytes: *payload_bytes,
        stream: *stream,
        proven: *proven,
        cookie: match cookie {
            Some(cookie) => Some(
                cookie[..]
                    .try_into()
                    .map_err(|_| PyValueError::new_err("a cookie in a reply has 24 bytes"))?,
            ),
            None => None,
        },
    };
    let mut out = Vec::with_capacity(512);
    reply::write(&query, &reply, &terms, &mut out);
    Ok(PyBytes::new(py, &out))
}

/// The query to an upstream.
#[pyfunction]
pub fn write_upstream_query<'py>(
    py: Python<'py>,
    question: &[u8],
    query_id: u16,
    payload_bytes: u16,
    dnssec_ok: bool,
    checking_disabled: bool,
) -> Bound<'py, PyBytes> {
    let mut out = Vec::with_capacity(512);
    query::write_upstream(
        question,
        query_id,
        payload_bytes,
        dnssec_ok,
        checking_disabled,
        &mut out,
    );
    PyBytes::new(py, &out)
}

#[pyclass(name = "Cookies", module = "cop_filter._native", frozen)]
pub struct PyCookies(pub Cookies);

#[pymethods]
impl PyCookies {
    #[new]
    fn new(secret: &[u8]) -> PyResult<Self> {
        let secret = secret
            .try_into()
            .map_err(|_| PyValueError::new_err("a cookie secret has 16 bytes"))?;
        Ok(Self(Cookies::new(secret)))
    }

    /// (the client's address is proven, the cookie for the reply); `ValueError` for what is no address.
    fn check(
        &self,
        cookie: &[u8],
        client: &Bound<'_, PyString>,
        now_s: u64,
    ) -> PyResult<(bool, Cow<'static, [u8]>)> {
        let client = client
            .to_str()
            .ok()
            .and_then(address)
            .ok_or_else(|| PyValueError::new_err("a client is an IPv4 or IPv6 address"))?;
        let checked = self.0.check(cookie, client, now_s);
        Ok((checked.proven, Cow::Owned(checked.answer.to_vec())))
    }
}
