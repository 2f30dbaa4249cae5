use super::*;
use std::net::Ipv4Addr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn one_network_gets_its_share_and_the_others_the_rest() {
    let mut shares = Shares::new(5, 2);
    assert!(shares.enter(ip("192.0.2.1")));
    assert!(shares.enter(ip("192.0.2.2")));
    assert!(!shares.enter(ip("192.0.2.3")));
    for other in ["198.51.100.1", "2001:db8::1", "203.0.113.1"] {
        assert!(shares.enter(ip(other)));
    }
    assert!(!shares.enter(ip("127.0.0.1")), "five are in flight");
    shares.leave(ip("192.0.2.9"));
    assert!(shares.enter(ip("127.0.0.1")));
}

#[test]
fn leaving_without_having_entered_makes_no_room() {
    let mut shares = Shares::new(1, 1);
    assert!(shares.enter(ip("192.0.2.1")));
    shares.leave(ip("198.51.100.1"));
    assert!(!shares.enter(ip("203.0.113.1")));
}

#[test]
fn no_room_is_no_room() {
    assert!(!Shares::new(0, 1).enter(ip("192.0.2.1")));
    assert!(!Shares::new(1, 0).enter(ip("192.0.2.1")));
}

#[test]
fn the_memory_of_shares_does_not_grow_with_the_networks_seen() {
    let mut shares = Shares::new(1_000, 3);
    let room = shares.of_network.capacity();
    for n in 0..1_000_000_u32 {
        assert!(shares.enter(IpAddr::V4(Ipv4Addr::from_bits(n << 8))));
        if n >= 999 {
            shares.leave(IpAddr::V4(Ipv4Addr::from_bits((n - 999) << 8)));
        }
    }
    assert_eq!(shares.of_network.len(), 999);
    assert!(shares.of_network.capacity() <= room);
}
