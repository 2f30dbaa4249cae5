//! What the standard library lacks of the system: waiting for many descriptors, waking a thread, the clock
//! that Python reads, and random bytes.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Waits for many descriptors at once.
pub struct Epoll(OwnedFd);

impl Epoll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        checked(fd)?;
        // SAFETY: a descriptor that was just made, and belongs to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// From now on `wait` tells `token` when `fd` can be read. Closing `fd` ends that.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: the event outlives the call.
        checked(unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        })
    }

    /// The tokens of what can be read, after at most `timeout_ms` (-1: as long as it takes).
    pub fn wait(&self, tokens: &mut Vec<u64>, timeout_ms: i32) {
        const MOST: u16 = 256;
        tokens.clear();
        // SAFETY: plain data, for which zeroes are a value.
        let mut events: [libc::epoll_event; MOST as usize] = unsafe { zeroed() };
        // SAFETY: the kernel writes at most `MOST` events.
        let count = unsafe {
            libc::epoll_wait(
                self.0.as_raw_fd(),
                events.as_mut_ptr(),
                libc::c_int::from(MOST),
                timeout_ms,
            )
        };
        // A negative count is an interrupted wait: nothing is ready, and the caller waits again.
        let count = usize::try_from(count).unwrap_or(0);
        tokens.extend(events[..count].iter().map(|event| event.u64));
    }
}

/// A counter in the kernel that wakes whoever waits for its descriptor.
pub struct Bell(std::fs::File);

impl Bell {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        checked(fd)?;
        // SAFETY: a descriptor that was just made, and belongs to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }.into()))
    }

    pub fn ring(&self) {
        // It fails only when the counter is full: then the bell is ringing already.
        let _ = io::Write::write(&mut &self.0, &1u64.to_ne_bytes());
    }

    pub fn silence(&self) {
        // It fails only when the bell does not ring.
        let _ = io::Read::read(&mut &self.0, &mut [0; 8]);
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }
}

/// Unpredictable words, as keyed hashes take them.
pub fn random_words() -> io::Result<[u64; 2]> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    let (a, b) = bytes.split_at(8);
    let word = |half: &[u8]| half.iter().fold(0, |word, &b| word << 8 | u64::from(b));
    Ok([word(a), word(b)])
}

/// Unpredictable bytes (getrandom(2)).
pub fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &mut bytes[at..];
        // SAFETY: the kernel writes at most `rest.len()` bytes.
        let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        if let Ok(count) = usize::try_from(count) {
            at += count;
        } else {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Seconds of the clock that never goes back, the one of Python's `time.monotonic`.
pub fn monotonic_s() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one `timespec`; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

pub fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
