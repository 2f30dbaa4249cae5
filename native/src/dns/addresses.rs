//! Socket addresses and control messages as the kernel lays them out.

use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Room for one `in_pktinfo` or `in6_pktinfo`.
const CONTROL_WORDS: usize = 8;
pub const CONTROL_BYTES: usize = 8 * CONTROL_WORDS;

/// The address an answer must come from (RFC 3542 §6.2, ip(7)); told only on wildcard sockets.
#[derive(Clone, Copy)]
pub enum Source {
    Bound,
    V4(libc::in_addr),
    V6(libc::in6_pktinfo),
}

/// Aligned as its header must be.
#[derive(Clone, Copy)]
pub struct Control(pub [u64; CONTROL_WORDS]);

impl Control {
    pub const EMPTY: Self = Self([0; CONTROL_WORDS]);

    #[allow(clippy::cast_ptr_alignment)] // The data is read without regard to alignment.
    /// Which address a datagram was sent to, of the first `length` bytes that the kernel wrote.
    pub fn source(&self, length: usize) -> Source {
        if length < size_of::<libc::cmsghdr>() {
            return Source::Bound;
        }
        // SAFETY: the kernel wrote at least one header into the aligned buffer, and the data whose length
        // the header tells is looked at only where the buffer holds all of it.
        unsafe {
            let header = self.0.as_ptr().cast::<libc::cmsghdr>();
            let holds = |bytes: usize| {
                let needed = libc::CMSG_LEN(bytes as libc::c_uint) as usize;
                (*header).cmsg_len >= needed && length >= needed
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

pub fn empty_address() -> libc::sockaddr_storage {
    // SAFETY: plain data, for which zeroes are a value.
    unsafe { zeroed() }
}

pub fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
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
            Some(SocketAddr::V6(SocketAddrV6::new(
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
pub fn write_address(address: &SocketAddr, name: &mut libc::sockaddr_in6) -> libc::socklen_t {
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
pub fn write_control(source: &Source, control: &mut Control) -> usize {
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
