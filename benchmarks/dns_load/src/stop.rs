//! SIGINT and SIGTERM end the asking early; the report is printed all the same.

use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_signal: libc::c_int) {
    STOPPED.store(true, Ordering::Relaxed);
}

pub fn listen() {
    let handler = note as extern "C" fn(libc::c_int);
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores into an atomic, which is allowed in one.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

pub fn stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}
