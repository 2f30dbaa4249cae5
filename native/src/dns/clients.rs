//! Which client networks are served.

use std::net::IpAddr;

/// The configured networks, as address ranges that do not overlap, in order.
pub struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    /// Networks as (an address inside, length of the prefix). A length beyond the family's is one address.
    pub fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (address, prefix_bits) in networks {
            let prefix_bits = u32::from(prefix_bits);
            match address {
                IpAddr::V4(address) => {
                    let hosts = u32::MAX.checked_shr(prefix_bits).unwrap_or(0);
                    let first = address.to_bits() & !hosts;
                    v4.push((first, first | hosts));
                }
                IpAddr::V6(address) => {
                    let hosts = u128::MAX.checked_shr(prefix_bits).unwrap_or(0);
                    let first = address.to_bits() & !hosts;
                    v6.push((first, first | hosts));
                }
            }
        }
        Self {
            v4: outermost(v4),
            v6: outermost(v6),
        }
    }

    /// True for an address inside a configured network. An IPv4-mapped IPv6 address counts as IPv4 and
    /// as nothing else. O(log n).
    pub fn permits(&self, client: IpAddr) -> bool {
        match client.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, address.to_bits()),
            IpAddr::V6(address) => holds(&self.v6, address.to_bits()),
        }
    }
}

/// Networks are nested or apart: those inside another one are left out.
fn outermost<T: Copy + Ord>(mut ranges: Vec<(T, T)>) -> Box<[(T, T)]> {
    // Of those with one beginning, the widest comes first.
    ranges.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    ranges.dedup_by(|inner, outer| inner.0 <= outer.1);
    ranges.into_boxed_slice()
}

fn holds<T: Copy + Ord>(ranges: &[(T, T)], address: T) -> bool {
    let behind = ranges.partition_point(|&(first, _)| first <= address);
    behind > 0 && address <= ranges[behind - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| network(text)).collect())
    }

    fn network(text: &str) -> (IpAddr, u8) {
        let (address, bits) = text.split_once('/').unwrap();
        (ip(address), bits.parse().unwrap())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_and_the_last_address_of_a_network_are_permitted_and_their_neighbours_are_not() {
        let served = networks(&["192.0.2.64/26", "2001:db8:5::/48"]);
        for inside in [
            "192.0.2.64",
            "192.0.2.127",
            "2001:db8:5::",
            "2001:db8:5:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(served.permits(ip(inside)), "{inside}");
        }
        for outside in [
            "192.0.2.63",
            "192.0.2.128",
            "2001:db8:4:ffff:ffff:ffff:ffff:ffff",
            "2001:db8:6::",
        ] {
            assert!(!served.permits(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn no_networks_permit_nobody() {
        assert!(!networks(&[]).permits(ip("127.0.0.1")));
        assert!(!networks(&[]).permits(ip("::1")));
    }

    #[test]
    fn a_prefix_of_length_zero_permits_its_family_only() {
        assert!(networks(&["0.0.0.0/0"]).permits(ip("255.255.255.255")));
        assert!(networks(&["0.0.0.0/0"]).permits(ip("0.0.0.0")));
        assert!(!networks(&["0.0.0.0/0"]).permits(ip("2001:db8::1")));
        assert!(networks(&["::/0"]).permits(ip("2001:db8::1")));
        assert!(!networks(&["::/0"]).permits(ip("192.0.2.1")));
    }

    #[test]
    fn a_mapped_address_counts_as_ipv4_and_as_nothing_else() {
        assert!(networks(&["192.0.2.0/24"]).permits(ip("::ffff:192.0.2.1")));
        assert!(!networks(&["::/0"]).permits(ip("::ffff:192.0.2.1")));
    }

    #[test]
    fn nested_networks_in_any_order_permit_what_the_outermost_does() {
        let served = networks(&[
            "10.1.2.0/24",
            "10.0.0.0/8",
            "10.0.0.0/32",
            "10.255.255.255/32",
            "10.0.0.0/8",
        ]);
        assert_eq!(served.v4.len(), 1);
        assert!(served.permits(ip("10.1.3.1")));
        assert!(!served.permits(ip("11.0.0.0")));
    }

    #[test]
    fn bits_behind_the_prefix_do_not_matter() {
        assert!(networks(&["192.0.2.77/24"]).permits(ip("192.0.2.1")));
    }

    #[test]
    fn thousands_of_networks_permit_exactly_their_own_addresses() {
        let every_other = (0..8192_u32).map(|n| (IpAddr::V4(Ipv4Addr::from_bits(n << 17)), 16));
        let served = Networks::new(every_other.collect());
        for n in 0..16_384_u32 {
            for at in [n << 16, n << 16 | 0xFFFF] {
                let client = IpAddr::V4(Ipv4Addr::from_bits(at));
                assert_eq!(served.permits(client), n % 2 == 0, "{client}");
            }
        }
    }
}
