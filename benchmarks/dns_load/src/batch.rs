//! Many datagrams in one system call.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// `SIZE` bytes for each datagram, and the address it came from or goes to.
pub struct Batch<const SIZE: usize> {
    buffers: Box<[[u8; SIZE]]>,
    addresses: Box<[libc::sockaddr_storage]>,
    // Points into all the others, which are never moved or resized.
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    length: usize,
}

impl<const SIZE: usize> Batch<SIZE> {
    pub fn new(capacity: usize) -> Self {
        // SAFETY: all three are plain C structures, for which zeros are a value.
        let (address, part, header): (libc::sockaddr_storage, libc::iovec, libc::mmsghdr) =
            unsafe { std::mem::zeroed() };
        let mut batch = Self {
            buffers: vec![[0; SIZE]; capacity].into(),
            addresses: vec![address; capacity].into(),
            parts: vec![part; capacity].into(),
            headers: vec![header; capacity].into(),
            length: 0,
        };
        for place in 0..capacity {
            batch.parts[place].iov_base = batch.buffers[place].as_mut_ptr().cast();
            batch.headers[place].msg_hdr.msg_iov = &raw mut batch.parts[place];
            batch.headers[place].msg_hdr.msg_iovlen = 1;
        }
        batch
    }

    /// What waits at the socket, up to the capacity; nothing waiting is no error. With `addresses`, where
    /// each came from is kept, for `answer`.
    pub fn receive(&mut self, socket: &UdpSocket, addresses: bool) -> io::Result<usize> {
        for place in 0..self.headers.len() {
            self.parts[place].iov_len = SIZE;
            self.address(place, addresses);
        }
        // SAFETY: every header points to a buffer of the length told, alive as long as `self`.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        self.length = match usize::try_from(received) {
            Ok(received) => received,
            Err(_) => harmless(io::Error::last_os_error())?,
        };
        Ok(self.length)
    }

    /// A datagram that was received.
    pub fn packet(&self, place: usize) -> &[u8] {
        &self.buffers[place][..(self.headers[place].msg_len as usize).min(SIZE)]
    }

    /// The buffer of a datagram that was received, to be answered in place.
    pub fn buffer(&mut self, place: usize) -> (&mut [u8; SIZE], usize) {
        let length = (self.headers[place].msg_len as usize).min(SIZE);
        (&mut self.buffers[place], length)
    }

    /// Send buffers back to where they came from: those that `lengths` gives a length other than 0.
    pub fn answer(&mut self, socket: &UdpSocket, lengths: &[usize]) -> io::Result<()> {
        let mut kept = 0;
        for (place, length) in lengths.iter().enumerate() {
            if *length == 0 {
                continue;
            }
            if kept != place {
                self.buffers[kept] = self.buffers[place];
                self.addresses[kept] = self.addresses[place];
                self.headers[kept].msg_hdr.msg_namelen = self.headers[place].msg_hdr.msg_namelen;
            }
            self.parts[kept].iov_len = *length;
            kept += 1;
        }
        self.length = kept;
        self.send(socket)
    }

    /// Add a datagram that `write` puts into a buffer; told is its length. There must be room.
    pub fn push(&mut self, write: impl FnOnce(&mut [u8; SIZE]) -> usize) {
        let place = self.length;
        self.parts[place].iov_len = write(&mut self.buffers[place]);
        self.address(place, false);
        self.length += 1;
    }

    /// The same with an address, of those that `address_of` gave.
    pub fn push_to(
        &mut self,
        (address, bytes): (libc::sockaddr_storage, u32),
        write: impl FnOnce(&mut [u8; SIZE]) -> usize,
    ) {
        let place = self.length;
        self.push(write);
        self.address(place, true);
        self.addresses[place] = address;
        self.headers[place].msg_hdr.msg_namelen = bytes;
    }

    /// Where a datagram came from.
    pub fn address_of(&self, place: usize) -> (libc::sockaddr_storage, u32) {
        (
            self.addresses[place],
            self.headers[place].msg_hdr.msg_namelen,
        )
    }

    pub fn is_full(&self) -> bool {
        self.length == self.headers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Send all that was added, and be empty. What the kernel does not take is lost, as on a network.
    pub fn send(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let mut sent = 0;
        let mut tries = 0;
        while sent < self.length && tries < 100 {
            // SAFETY: every header up to `length` points to a buffer of the length told, alive with `self`.
            let taken = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers[sent..].as_mut_ptr(),
                    (self.length - sent) as libc::c_uint,
                    0,
                )
            };
            sent += match usize::try_from(taken) {
                Ok(taken) => taken,
                Err(_) => harmless(io::Error::last_os_error())?,
            };
            tries += 1;
        }
        self.length = 0;
        Ok(())
    }

    fn address(&mut self, place: usize, wanted: bool) {
        let header = &mut self.headers[place].msg_hdr;
        header.msg_name = std::ptr::null_mut();
        header.msg_namelen = 0;
        if wanted {
            header.msg_name = (&raw mut self.addresses[place]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
        }
    }
}

/// Nothing there, no room, and a server that is not there yet are no errors of ours: 0 datagrams.
fn harmless(error: io::Error) -> io::Result<usize> {
    match error.kind() {
        io::ErrorKind::WouldBlock
        | io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionRefused => Ok(0),
        _ => Err(error),
    }
}
