//! Datagrams in batches, which the standard library lacks (recvmmsg(2), sendmmsg(2)).

use crate::dns::addresses::{
    address, empty_address, write_address, write_control, Control, Source, CONTROL_BYTES,
};
use crate::dns::waiting::checked;
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams of one system call.
pub const BATCH: usize = 64;
/// More than any query needs; what is longer is cut off, and then does not add up.
const MAX_QUERY_BYTES: usize = 4096;

/// Where a datagram came from, and which of this machine's addresses it was sent to.
#[derive(Clone, Copy)]
pub struct Peer {
    pub client: SocketAddr,
    source: Source,
}

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
            controls: vec![Control::EMPTY; BATCH].into_boxed_slice(),
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
            source: self.controls[i].source(self.control_lengths[i]),
        })
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
    let mut controls = [Control::EMPTY; BATCH];
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
