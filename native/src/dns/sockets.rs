//! System calls of the fast path that the standard library lacks: datagrams in batches, epoll, eventfd.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Datagrams of one system call.
pub const BATCH: usize = 64;
/// More than any query needs; what is longer is cut off, and then does not add up.
const MAX_QUERY_BYTES: usize = 4096;
/// Room for one `in_pktinfo` or `in6_pktinfo`.
const CONTROL_WORDS: usize = 8;
const CONTROL_BYTES: usize = 8 * CONTROL_WORDS;

/// Where a datagram came from, and which of this machine's addresses it was sent to.
#[derive(Clone, Copy)]
pub struct Peer {
    pub client: SocketAddr,
    source: Source,
}

/// The address an answer must come from (RFC 3542 §6.2, ip(7)); told only on wildcard sockets.
#[derive(Clone, Copy)]
enum Source {
    Bound,
    V4(libc::in_addr),
    V6(libc::in6_pktinfo),
}

/// Aligned as its header must be.
#[derive(Clone, Copy)]
struct Control([u64; CONTROL_WORDS]);

/// A batch of received datagrams.
pub struct Inbox {
    packets: Box<[[u8; MAX_QUERY_BYTES]]>,
    lengths: [usize; BATCH],
    names: Box<[libc::sockaddr_storage]>,
    controls: Box<[Control]>,
    control_lengths: [usize; BATCH],
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            packets: vec![[0; MAX_QUERY_BYTES]; BATCH].into_boxed_slice(),
            lengths: [0; BATCH],
            names: vec![empty_address(); BATCH].into_boxed_slice(),
            controls: vec![Control([0; CONTROL_WORDS]); BATCH].into_boxed_slice(),
            control_lengths: [0; BATCH],
        }
    }
}

impl Inbox {
    /// Takes what has arrived, at most a batch; how many. `WouldBlock`: nothing has.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: plain data, for which zeroes are a value.
        let (mut parts, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
            unsafe { zeroed() };
        for (i, header) in headers.iter_mut().enumerate() {
            parts[i].iov_base = self.packets[i].as_mut_ptr().cast();
            parts[i].iov_len = MAX_QUERY_BYTES;
            header.msg_hdr.msg_name = (&raw mut self.names[i]).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_iov = &raw mut parts[i];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = self.controls[i].0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL_BYTES;
        }
        // SAFETY: every pointer in the headers leads to memory of the stated length that outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (i, header) in headers[..count].iter().enumerate() {
            self.lengths[i] = header.msg_len as usize;
            self.control_lengths[i] = header.msg_hdr.msg_controllen;
        }
        Ok(count)
    }

    pub fn packet(&self, i: usize) -> &[u8] {
        &self.packets[i][..self.lengths[i]]
    }

    /// Where the packet came from; `None` for an address of another family, which no such socket has.
    pub fn peer(&self, i: usize) -> Option<Peer> {
        Some(Peer {
            client: address(&self.names[i])?,
            source: self.source(i),
        })
    }

    #[allow(clippy::cast_ptr_alignment)] // The data is read without regard to alignment.
    fn source(&self, i: usize) -> Source {
        if self.control_lengths[i] < size_of::<libc::cmsghdr>() {
            return Source::Bound;
        }
        let control = &self.controls[i];
        // SAFETY: the kernel wrote at least one header into the aligned buffer, and the data whose length
        // the header tells is looked at only where the buffer holds all of it.
        unsafe {
            let header = control.0.as_ptr().cast::<libc::cmsghdr>();
            let holds = |bytes: usize| {
                let needed = libc::CMSG_LEN(bytes as libc::c_uint) as usize;
                (*header).cmsg_len >= needed && self.control_lengths[i] >= needed
            };
            match ((*header).cmsg_level, (*header).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) if holds(size_of::<libc::in_pktinfo>()) => {
                    let info = libc::CMSG_DATA(header).cast::<libc::in_pktinfo>();
                    Source::V4(info.read_unaligned().ipi_spec_dst)
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
                    if holds(size_of::<libc::in6_pktinfo>()) =>
                {
                    let info = libc::CMSG_DATA(header).cast::<libc::in6_pktinfo>();
                    Source::V6(info.read_unaligned())
                }
                _ => Source::Bound,
            }
        }
    }
}

/// Datagrams to be sent, one behind the other in one buffer.
#[derive(Default)]
pub struct Outbox {
    pub bytes: Vec<u8>,
    letters: Vec<(usize, Peer)>,
}

impl Outbox {
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// What was appended to `bytes` since the last letter is one, to this peer.
    pub fn seal(&mut self, peer: Peer) {
        self.letters.push((self.bytes.len(), peer));
    }

    /// What was appended to `bytes` since the last letter is none.
    pub fn discard(&mut self) {
        let end = self.letters.last().map_or(0, |(end, _)| *end);
        self.bytes.truncate(end);
    }

    /// Sends all, and says how many could not be sent: those are as lost as any datagram may be.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> usize {
        let mut lost = 0;
        let mut at = 0;
        let mut start = 0;
        while at < self.letters.len() {
            let end = self.letters.len().min(at + BATCH);
            let batch = &self.letters[at..end];
            let sent = send(socket, &self.bytes, start, batch).unwrap_or_else(|error| {
                // A full buffer takes none of the rest either; other errors are about the first letter.
                if error.kind() == io::ErrorKind::WouldBlock {
                    lost += batch.len();
                    batch.len()
                } else {
                    lost += 1;
                    1
                }
            });
            start = batch[sent - 1].0;
            at += sent;
        }
        self.bytes.clear();
        self.letters.clear();
        lost
    }
}

/// Sends a batch; how many were sent, at least one.
fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    mut start: usize,
    batch: &[(usize, Peer)],
) -> io::Result<usize> {
    // SAFETY: plain data, for which zeroes are a value.
    let (mut parts, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
        unsafe { zeroed() };
    // SAFETY: as above.
    let mut names: [libc::sockaddr_in6; BATCH] = unsafe { zeroed() };
    let mut controls = [Control([0; CONTROL_WORDS]); BATCH];
    for (i, (end, peer)) in batch.iter().enumerate() {
        parts[i].iov_base = bytes[start..*end].as_ptr().cast_mut().cast();
        parts[i].iov_len = end - start;
        start = *end;
        let header = &mut headers[i].msg_hdr;
        header.msg_namelen = write_address(&peer.client, &mut names[i]);
        header.msg_name = (&raw mut names[i]).cast();
        header.msg_iov = &raw mut parts[i];
        header.msg_iovlen = 1;
        header.msg_controllen = write_control(&peer.source, &mut controls[i]);
        if header.msg_controllen > 0 {
            header.msg_control = controls[i].0.as_mut_ptr().cast();
        }
    }
    // SAFETY: every pointer in the headers leads to memory of the stated length that outlives the call,
    // and the kernel only reads what is to be sent.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            batch.len() as libc::c_uint,
            libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

fn empty_address() -> libc::sockaddr_storage {
    // SAFETY: plain data, for which zeroes are a value.
    unsafe { zeroed() }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let family = i32::from(name.ss_family);
    let name: *const libc::sockaddr_storage = name;
    match family {
        libc::AF_INET => {
            // SAFETY: the family says which structure the storage holds, and it has room for each.
            let name = unsafe { &*name.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddr::new(ip.into(), u16::from_be(name.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let name = unsafe { &*name.cast::<libc::sockaddr_in6>() };
            Some(SocketAddr::V6(std::net::SocketAddrV6::new(
                Ipv6Addr::from(name.sin6_addr.s6_addr),
                u16::from_be(name.sin6_port),
                name.sin6_flowinfo,
                name.sin6_scope_id,
            )))
        }
        _ => None,
    }
}

/// Writes a socket address; its length. The larger structure has room for the smaller one.
fn write_address(address: &SocketAddr, name: &mut libc::sockaddr_in6) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            let v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from(*address.ip()).to_be(),
                },
                sin_zero: [0; 8],
            };
            // SAFETY: `sockaddr_in` is smaller and no more strictly aligned.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in>().write(v4) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = address.port().to_be();
            name.sin6_flowinfo = address.flowinfo();
            name.sin6_addr.s6_addr = address.ip().octets();
            name.sin6_scope_id = address.scope_id();
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

/// Writes the control message that sends from an address; its length, 0 for none.
fn write_control(source: &Source, control: &mut Control) -> usize {
    match source {
        Source::Bound => 0,
        Source::V4(address) => {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: *address,
                ipi_addr: *address,
            };
            write_message(libc::IPPROTO_IP, libc::IP_PKTINFO, info, control)
        }
        Source::V6(info) => write_message(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, *info, control),
    }
}

#[allow(clippy::cast_ptr_alignment)] // The data is written without regard to alignment.
fn write_message<T>(level: i32, kind: i32, data: T, control: &mut Control) -> usize {
    let bytes = size_of::<T>() as libc::c_uint;
    // SAFETY: the aligned buffer has room for the header and either structure.
    unsafe {
        let header = control.0.as_mut_ptr().cast::<libc::cmsghdr>();
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(bytes) as usize;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(data);
        libc::CMSG_SPACE(bytes) as usize
    }
}

/// Asks to be told where each datagram was sent, on a socket that is bound to every address.
pub fn ask_for_destination(socket: BorrowedFd<'_>) -> io::Result<()> {
    let Some(local) = local_address(socket)? else {
        return Ok(());
    };
    match local {
        IpAddr::V4(address) if address.is_unspecified() => {
            set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO)
        }
        IpAddr::V6(address) if address.is_unspecified() => {
            set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
        }
        _ => Ok(()),
    }
}

fn local_address(socket: BorrowedFd<'_>) -> io::Result<Option<IpAddr>> {
    let mut name = empty_address();
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `name`.
    let result =
        unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut name).cast(), &raw mut length) };
    checked(result)?;
    Ok(address(&name).map(|local| local.ip()))
}

fn set_option(socket: BorrowedFd<'_>, level: i32, option: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is one int, which outlives the call.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })
}

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

fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
