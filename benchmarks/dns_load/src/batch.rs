//! Many datagrams in one system call.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Where a datagram came from or goes to, and the bytes of it that count.
pub type Address = (libc::sockaddr_storage, libc::socklen_t);

/// `SIZE` bytes for each datagram.
pub struct Batch<const SIZE: usize> {
    buffers: Box<[[u8; SIZE]]>,
    lengths: Box<[usize]>,
    addresses: Box<[Address]>,
    // Written anew for each call: these point into the others.
    parts: Box<[libc::iovec]>,
    segments: Box<[SegmentBytes]>,
    headers: Box<[libc::mmsghdr]>,
    count: usize,
}

/// The control message that has the kernel cut one buffer into datagrams (udp(7), `UDP_SEGMENT`).
#[repr(C)]
#[derive(Clone, Copy)]
struct SegmentBytes {
    header: libc::cmsghdr,
    bytes: u16,
}

impl<const SIZE: usize> Batch<SIZE> {
    pub fn new(capacity: usize) -> Self {
        // SAFETY: all are plain C structures, for which zeros are a value.
        let (address, part, segment, header): (Address, libc::iovec, SegmentBytes, libc::mmsghdr) =
            unsafe { std::mem::zeroed() };
        Self {
            buffers: vec![[0; SIZE]; capacity].into(),
            lengths: vec![0; capacity].into(),
            addresses: vec![address; capacity].into(),
            parts: vec![part; capacity].into(),
            segments: vec![segment; capacity].into(),
            headers: vec![header; capacity].into(),
            count: 0,
        }
    }

    /// Take what waits at the socket, up to the capacity; nothing waiting is no error. How many it were.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        for place in 0..self.headers.len() {
            self.lengths[place] = SIZE;
            self.addresses[place].1 = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            self.describe(place, place..place + 1);
        }
        // SAFETY: every header points to a buffer and an address of the lengths told, alive as `self` is.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        self.count = datagrams(received)?;
        for place in 0..self.count {
            self.lengths[place] = (self.headers[place].msg_len as usize).min(SIZE);
            self.addresses[place].1 = self.headers[place].msg_hdr.msg_namelen;
        }
        Ok(self.count)
    }

    pub fn packet(&self, place: usize) -> &[u8] {
        &self.buffers[place][..self.lengths[place]]
    }

    pub fn address(&self, place: usize) -> Address {
        self.addresses[place]
    }

    /// Turn what was received into what `send` sends back: `answer` is given each buffer with the bytes
    /// that count, and tells how many count then; None leaves it unanswered.
    pub fn answer(&mut self, mut answer: impl FnMut(&mut [u8; SIZE], usize) -> Option<usize>) {
        let mut kept = 0;
        for place in 0..self.count {
            let Some(length) = answer(&mut self.buffers[place], self.lengths[place]) else {
                continue;
            };
            if kept != place {
                self.buffers[kept] = self.buffers[place];
                self.addresses[kept] = self.addresses[place];
            }
            self.lengths[kept] = length;
            kept += 1;
        }
        self.count = kept;
    }

    /// Add a datagram that `write` puts into a buffer, telling its length. There must be room.
    pub fn push(&mut self, write: impl FnOnce(&mut [u8; SIZE]) -> usize) {
        self.lengths[self.count] = write(&mut self.buffers[self.count]);
        self.addresses[self.count].1 = 0;
        self.count += 1;
    }

    /// The same, to an address.
    pub fn push_to(&mut self, address: Address, write: impl FnOnce(&mut [u8; SIZE]) -> usize) {
        self.push(write);
        self.addresses[self.count - 1] = address;
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_full(&self) -> bool {
        self.count == self.headers.len()
    }

    /// Send everything, and be empty.
    pub fn send(&mut self, socket: &UdpSocket) -> io::Result<()> {
        for place in 0..self.count {
            self.describe(place, place..place + 1);
        }
        self.send_headers(socket, self.count)
    }

    /// Send everything to whom the socket is connected to, and be empty. Neighbours of one length go through
    /// the kernel as one; the receiver sees single datagrams all the same.
    pub fn send_segmented(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let (mut start, mut messages) = (0, 0);
        while start < self.count {
            let bytes = self.lengths[start];
            let same = self.lengths[start..self.count]
                .iter()
                .take_while(|other| **other == bytes);
            let end = start + same.count();
            self.describe(messages, start..end);
            if end - start > 1 {
                self.segment(messages, bytes);
            }
            start = end;
            messages += 1;
        }
        self.send_headers(socket, messages)
    }

    /// What the kernel does not take is lost, as on a network.
    fn send_headers(&mut self, socket: &UdpSocket, messages: usize) -> io::Result<()> {
        let (mut sent, mut tries) = (0, 0);
        self.count = 0;
        while sent < messages && tries < 100 {
            // SAFETY: every header up to `messages` points to buffers, an address and a control message of
            // the lengths told, alive as `self` is.
            let taken = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers[sent..].as_mut_ptr(),
                    (messages - sent) as libc::c_uint,
                    0,
                )
            };
            sent += datagrams(taken)?;
            tries += 1;
        }
        Ok(())
    }

    /// Have a header tell of these buffers, and of the address of the first.
    fn describe(&mut self, header: usize, buffers: std::ops::Range<usize>) {
        let (address, bytes) = &mut self.addresses[buffers.start];
        let message = &mut self.headers[header].msg_hdr;
        message.msg_name = if *bytes == 0 {
            std::ptr::null_mut()
        } else {
            (&raw mut *address).cast()
        };
        message.msg_namelen = *bytes;
        message.msg_control = std::ptr::null_mut();
        message.msg_controllen = 0;
        message.msg_iovlen = buffers.len();
        for place in buffers.clone() {
            self.parts[place].iov_base = self.buffers[place].as_mut_ptr().cast();
            self.parts[place].iov_len = self.lengths[place];
        }
        message.msg_iov = self.parts[buffers].as_mut_ptr();
    }

    fn segment(&mut self, header: usize, bytes: usize) {
        let control = &mut self.segments[header];
        control.header.cmsg_level = libc::SOL_UDP;
        control.header.cmsg_type = libc::UDP_SEGMENT;
        control.header.cmsg_len = size_of::<libc::cmsghdr>() + size_of::<u16>();
        control.bytes = bytes as u16;
        let message = &mut self.headers[header].msg_hdr;
        message.msg_control = (&raw mut *control).cast();
        message.msg_controllen = size_of::<SegmentBytes>();
    }
}

/// How many the kernel took or gave. Nothing there, no room, and a server that is not there yet are no
/// errors of ours: 0.
fn datagrams(told: libc::c_int) -> io::Result<usize> {
    if let Ok(count) = usize::try_from(told) {
        return Ok(count);
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock
        | io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionRefused => Ok(0),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (UdpSocket, UdpSocket) {
        let (one, other) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        one.connect(other.local_addr().unwrap()).unwrap();
        (one, other)
    }

    #[test]
    fn segments_arrive_as_the_datagrams_they_are() {
        let (sender, receiver) = pair();
        let (mut outgoing, mut incoming) = (Batch::<64>::new(8), Batch::<64>::new(8));
        let sent = ["aaa", "bbb", "cc", "dd", "e", "fff"];
        for text in sent {
            outgoing.push(|buffer| {
                buffer[..text.len()].copy_from_slice(text.as_bytes());
                text.len()
            });
        }
        outgoing.send_segmented(&sender).unwrap();
        assert_eq!(incoming.receive(&receiver).unwrap(), sent.len());
        for (place, text) in sent.iter().enumerate() {
            assert_eq!(incoming.packet(place), text.as_bytes());
        }
    }

    #[test]
    fn answers_go_back_to_where_the_question_came_from() {
        let (one, server) = pair();
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        other.connect(server.local_addr().unwrap()).unwrap();
        one.send(b"unheard").unwrap();
        other.send(b"heard").unwrap();
        let mut batch = Batch::<64>::new(8);
        batch.receive(&server).unwrap();
        batch.answer(|buffer, length| {
            buffer[0] = b'H';
            (length == 5).then_some(length)
        });
        batch.send(&server).unwrap();
        let mut heard = [0; 8];
        assert_eq!(other.recv(&mut heard).unwrap(), 5);
        assert_eq!(&heard[..5], b"Heard");
        one.set_nonblocking(true).unwrap();
        assert!(one.recv(&mut heard).is_err());
    }
}
