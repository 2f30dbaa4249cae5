//! Waiting for sockets, to the nanosecond.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const EVENTS: usize = 64;

/// Tells sockets by their place in the slice it was made from.
pub struct Poller {
    epoll: OwnedFd,
    events: [libc::epoll_event; EVENTS],
}

impl Poller {
    pub fn new(sockets: &[UdpSocket]) -> io::Result<Self> {
        // The kernel rounds timers up by 50 us otherwise: more than most answers take.
        // SAFETY: no pointers are passed.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
        // SAFETY: no pointers are passed.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was made a moment ago and belongs to nobody else.
        let epoll = unsafe { OwnedFd::from_raw_fd(descriptor) };
        for (place, socket) in sockets.iter().enumerate() {
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: place as u64,
            };
            // SAFETY: both descriptors are open, and the event is alive during the call.
            let failed = unsafe {
                libc::epoll_ctl(
                    epoll.as_raw_fd(),
                    libc::EPOLL_CTL_ADD,
                    socket.as_raw_fd(),
                    &raw mut event,
                )
            };
            if failed != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self {
            epoll,
            events: [libc::epoll_event { events: 0, u64: 0 }; EVENTS],
        })
    }

    /// The places of sockets with something to read; none after `wait_ns`.
    pub fn wait(&mut self, wait_ns: u64) -> io::Result<impl Iterator<Item = usize> + '_> {
        let timeout = libc::timespec {
            tv_sec: (wait_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (wait_ns % 1_000_000_000) as libc::c_long,
        };
        // SAFETY: the events are ours and as many as told; the timeout is alive; no signal mask is given.
        let ready = unsafe {
            libc::epoll_pwait2(
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS as libc::c_int,
                &raw const timeout,
                std::ptr::null(),
            )
        };
        let ready = match usize::try_from(ready) {
            Ok(ready) => ready,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => 0,
                error => return Err(error),
            },
        };
        Ok(self.events[..ready].iter().map(|event| event.u64 as usize))
    }
}
