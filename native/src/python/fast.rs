//! The fast path in Python: built, started, taught, asked what it needs.

use super::answers::PyAnswerCache;
use super::index::PyIndex;
use super::lessons::{learn_all, template, wanted, Lesson, PyHandUp, ReplyParts, Wanted};
use super::oracle::{PyOracle, PyProtected};
use crate::dns::clients::{Networks, Profiles};
use crate::dns::cookies::Cookies;
use crate::dns::desk::{Now, Outcome, Rules};
use crate::dns::limits::RateLimit;
use crate::dns::path::Path;
use crate::dns::shared::{lock, Shared};
use crate::dns::sockets::Outbox;
use crate::dns::standing::{Standing, Zone};
use crate::dns::tally::{Event, Tally};
use crate::dns::waiting::random_words;
use crate::dns::worker::Worker;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Events by `FastPath.EVENTS`, decisions by label, latencies of fast and of forwarded answers.
type Counts = (Vec<u64>, Vec<u64>, Vec<u64>, Vec<u64>);

/// What came of a packet, the answer, and the decision that is wanted.
type Looked<'py> = (&'static str, Option<Bound<'py, PyBytes>>, Option<Wanted>);

#[pyclass(frozen, name = "FastPath", module = "cop_filter._native")]
pub struct PyFastPath {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    sockets: Mutex<Vec<Arc<OwnedFd>>>,
}

#[pymethods]
impl PyFastPath {
    #[classattr]
    #[pyo3(name = "EVENTS")]
    const EVENTS: [&'static str; Event::NAMES.len()] = Event::NAMES;

    #[new]
    #[pyo3(signature = (cache, oracle, *, networks, profiles, cookie_secret, outside, payload_bytes, never_forwarded,
                        rate_limit, rate_limit_slip, patience_s))]
    #[allow(clippy::too_many_arguments)] // All by name.
    fn new(
        cache: &PyAnswerCache,
        oracle: &PyOracle,
        networks: Vec<(IpAddr, u8)>,
        profiles: Vec<(IpAddr, u8, u32)>,
        cookie_secret: &[u8],
        outside: ReplyParts,
        payload_bytes: u16,
        mut never_forwarded: Vec<u16>,
        rate_limit: u32,
        rate_limit_slip: u32,
        patience_s: f64,
    ) -> PyResult<Self> {
        let secret = cookie_secret
            .try_into()
            .map_err(|_| PyValueError::new_err("a cookie secret has 16 bytes"))?;
        never_forwarded.sort_unstable();
        let rules = Rules {
            networks: Networks::new(networks),
            profiles: Profiles::told_apart(profiles),
            cookies: Cookies::new(secret),
            outside: template(outside),
            payload_bytes,
            never_forwarded,
        };
        let path = Path::new(
            rules,
            RateLimit::new(rate_limit, rate_limit_slip, random_words()?),
        );
        // Until the first `install` nothing holds, and everything is handed up.
        let nothing = Standing::new(0, None, 0, (0.0, 0.0), Vec::new(), None);
        let shared = Shared::new(
            path,
            nothing,
            Arc::clone(&cache.shared),
            Arc::clone(&oracle.0),
            patience_s,
            random_words()?,
        )?;
        Ok(Self {
            shared: Arc::new(shared),
            thread: Mutex::new(None),
            sockets: Mutex::default(),
        })
    }

    /// From now on answers by this generation alone; what was learned before is forgotten, and `lessons`
    /// are learned. Gives the serial number to teach under. `holds`: from when to when (Unix seconds) what is
    /// taught stays true. `protected`: the hosts that it never blocks.
    #[allow(clippy::too_many_arguments)] // One generation.
    fn install(
        &self,
        py: Python<'_>,
        index: Option<&PyIndex>,
        protected: Option<&PyProtected>,
        unlisted_label: u32,
        holds: (f64, f64),
        zones: Vec<(Vec<u8>, ReplyParts)>,
        lessons: Vec<Lesson>,
    ) -> PyResult<u32> {
        let index = index.map(|index| Arc::clone(&index.0));
        let zones = zones
            .into_iter()
            .map(|(name, reply)| Zone {
                name,
                reply: template(reply),
            })
            .collect();
        let protected = protected.map(|protected| Arc::clone(&protected.0));
        let mut next = Standing::new(0, index, unlisted_label, holds, zones, protected);
        learn_all(&mut next, lessons)?;
        let (serial, before) = py.detach(|| {
            let mut standing = self.shared.standing_to_change();
            next.serial = standing.serial.wrapping_add(1).max(1);
            (next.serial, std::mem::replace(&mut *standing, next))
        });
        // An index takes its time to be unmapped: nobody waits for the lock meanwhile.
        py.detach(|| drop(before));
        Ok(serial)
    }

    /// Teaches what was decided; ignored when the serial is an old one.
    fn learn(&self, py: Python<'_>, serial: u32, lessons: Vec<Lesson>) -> PyResult<()> {
        py.detach(|| {
            let mut standing = self.shared.standing_to_change();
            if standing.serial == serial {
                learn_all(&mut standing, lessons)?;
            }
            Ok(())
        })
    }

    /// The matches, query types and profiles about which it has learned.
    fn learned(&self) -> Vec<Wanted> {
        let standing = self.shared.standing();
        standing.learned().cloned().map(wanted).collect()
    }

    /// Which upstream to ask over plain UDP; None: hand every miss up.
    #[pyo3(signature = (host=None, port=0))]
    fn forward_to(&self, host: Option<IpAddr>, port: u16) {
        self.shared
            .forward_to(host.map(|host| SocketAddr::new(host, port)));
    }

    /// Starts to answer on bound UDP sockets, which stay the caller's.
    fn start(&self, descriptors: Vec<RawFd>) -> PyResult<()> {
        let mut thread = lock(&self.thread);
        if thread.is_some() {
            return Err(PyRuntimeError::new_err("the fast path runs already"));
        }
        let mut sockets = Vec::new();
        for descriptor in descriptors {
            // SAFETY: the caller's sockets are open during this call; what is kept are duplicates.
            let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
            sockets.push(socket.try_clone_to_owned()?);
        }
        let to_answer_on = sockets
            .iter()
            .map(|socket| Ok(Arc::new(socket.try_clone()?)))
            .collect::<std::io::Result<_>>()?;
        let worker = Worker::new(Arc::clone(&self.shared), sockets)?;
        // A panic's own text could hold what was looked at; where it happened tells enough.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map_or("?".to_owned(), ToString::to_string);
            eprintln!("cop-filter: a bug in native code at {place}");
        }));
        *lock(&self.sockets) = to_answer_on;
        *thread = Some(
            std::thread::Builder::new()
                .name("dns-fast-path".into())
                .spawn(|| worker.run())?,
        );
        Ok(())
    }

    /// Answers what has arrived, hands up what is in flight, and stops reading.
    fn stop(&self, py: Python<'_>) {
        self.shared.stop();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            // Whether it ended in a panic no longer matters.
            let _ = py.detach(|| thread.join());
        }
    }

    /// False when the thread has ended, by `stop` or by a bug.
    #[getter]
    fn is_alive(&self) -> bool {
        lock(&self.thread)
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Can be read while something is handed up.
    fn fileno(&self) -> RawFd {
        self.shared.hand_ups.fd().as_raw_fd()
    }

    /// What was handed up, oldest first, at most so many.
    fn take(&self, most: usize) -> Vec<PyHandUp> {
        self.shared
            .hand_ups
            .take(most)
            .into_iter()
            .map(PyHandUp)
            .collect()
    }

    /// Sends the answer to a packet that was handed up; `OSError` when it cannot be sent.
    fn send(&self, hand_up: &PyHandUp, answer: &[u8]) -> PyResult<()> {
        let socket = lock(&self.sockets).get(hand_up.0.listener).cloned();
        let mut outbox = Outbox::default();
        outbox.bytes.extend_from_slice(answer);
        outbox.seal(hand_up.0.peer);
        match socket {
            Some(socket) if outbox.flush(socket.as_fd()) == 0 => Ok(()),
            _ => Err(PyOSError::new_err("the answer could not be sent")),
        }
    }

    /// What was counted since the last time.
    fn collect(&self) -> Counts {
        let tally: Tally = std::mem::take(&mut *self.shared.tally());
        (
            tally.events.to_vec(),
            tally.labels,
            tally.fast.to_vec(),
            tally.forwarded.to_vec(),
        )
    }

    /// Looks at one packet as the thread does, at a given time: what comes of it (`answered`, `silent`,
    /// `miss`, `handed_up`), and the answer if there is one.
    fn look<'py>(
        &self,
        py: Python<'py>,
        packet: &[u8],
        client: IpAddr,
        steady_s: f64,
        wall_s: f64,
    ) -> Looked<'py> {
        let mut out = Vec::new();
        let outcome = {
            let mut held = self.shared.hold();
            let (path, mut desk) = held.desk(Now { steady_s, wall_s });
            path.look(packet, client, &mut desk, &mut out)
        };
        match outcome {
            Outcome::Answered => ("answered", Some(PyBytes::new(py, &out)), None),
            Outcome::Silent => ("silent", None, None),
            Outcome::Miss => ("miss", None, None),
            Outcome::HandUp(undecided) => ("handed_up", None, undecided.map(wanted)),
        }
    }
}

impl Drop for PyFastPath {
    fn drop(&mut self) {
        // The thread keeps what it needs; nobody waits for it any more.
        self.shared.stop();
    }
}
