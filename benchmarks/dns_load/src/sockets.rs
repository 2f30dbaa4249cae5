//! UDP sockets with room for bursts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

static BUFFER_BYTES: libc::c_int = 8 << 20;

/// `count` sockets that talk to `server` alone, from the addresses in `sources` in turn (any: none given).
pub fn connected(
    server: SocketAddr,
    sources: &[IpAddr],
    count: usize,
) -> io::Result<Vec<UdpSocket>> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    (0..count)
        .map(|place| {
            let source = sources.get(place % sources.len().max(1)).unwrap_or(&any);
            let socket = UdpSocket::bind((*source, 0))?;
            socket.connect(server)?;
            prepare(&socket)?;
            Ok(socket)
        })
        .collect()
}

/// A socket that answers everyone.
pub fn listening(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    prepare(&socket)?;
    Ok(socket)
}

fn prepare(socket: &UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // The first goes beyond the system's limit and takes privileges; without them, the second goes up to it.
    for option in [libc::SO_RCVBUFFORCE, libc::SO_RCVBUF] {
        // SAFETY: the descriptor is open, and the value is an int of the length told.
        let failed = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const BUFFER_BYTES).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if failed == 0 {
            break;
        }
    }
    Ok(())
}
