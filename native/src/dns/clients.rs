//! Which client networks are served, and which of them belong together.

use std::net::IpAddr;

/// Configured networks, as address ranges that do not overlap, in order; each with what its clients are.
pub struct Networks<T = ()> {
    v4: Box<[Range<u32, T>]>,
    v6: Box<[Range<u128, T>]>,
}

/// Whose clients are whose: each network with its profile's number. Everyone else has 0.
pub type Profiles = Networks<u32>;

struct Range<A, T> {
    first: A,
    last: A,
    clients: T,
}

impl Networks {
    /// Networks as (an address inside, length of the prefix).
    pub fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        let networks = networks.into_iter();
        Self::told_apart(networks.map(|(address, bits)| (address, bits, ())))
    }

    /// True for an address inside a configured network.
    pub fn permits(&self, client: IpAddr) -> bool {
        self.find(client).is_some()
    }
}

impl Profiles {
    /// The number of a client's profile.
    pub fn of(&self, client: IpAddr) -> u32 {
        self.find(client).unwrap_or(0)
    }
}

impl<T: Copy> Networks<T> {
    /// Networks as (an address inside, length of the prefix, what its clients are). A length beyond the
    /// family's is one address. What is inside another network counts as that one.
    pub fn told_apart(networks: impl IntoIterator<Item = (IpAddr, u8, T)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (address, prefix_bits, clients) in networks {
            let prefix_bits = u32::from(prefix_bits);
            match address {
                IpAddr::V4(address) => {
                    let hosts = u32::MAX.checked_shr(prefix_bits).unwrap_or(0);
                    let first = address.to_bits() & !hosts;
                    v4.push(Range {
                        first,
                        last: first | hosts,
                        clients,
                    });
                }
                IpAddr::V6(address) => {
                    let hosts = u128::MAX.checked_shr(prefix_bits).unwrap_or(0);
                    let first = address.to_bits() & !hosts;
                    v6.push(Range {
                        first,
                        last: first | hosts,
                        clients,
                    });
                }
            }
        }
        Self {
            v4: outermost(v4),
            v6: outermost(v6),
        }
    }

    /// What a client inside a configured network is. An IPv4-mapped IPv6 address counts as IPv4 and as
    /// nothing else. O(log n).
    pub fn find(&self, client: IpAddr) -> Option<T> {
        match client.to_canonical() {
            IpAddr::V4(address) => find(&self.v4, address.to_bits()),
            IpAddr::V6(address) => find(&self.v6, address.to_bits()),
        }
    }
}

/// Networks are nested or apart: those inside another one are left out.
fn outermost<A: Ord, T>(mut ranges: Vec<Range<A, T>>) -> Box<[Range<A, T>]> {
    // Of those with one beginning, the widest comes first.
    ranges.sort_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)));
    ranges.dedup_by(|inner, outer| inner.first <= outer.last);
    ranges.into_boxed_slice()
}

fn find<A: Ord, T: Copy>(ranges: &[Range<A, T>], address: A) -> Option<T> {
    let behind = ranges.partition_point(|range| range.first <= address);
    let range = &ranges[behind.checked_sub(1)?];
    (address <= range.last).then_some(range.clients)
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
    fn clients_have_the_profile_of_their_network_and_everyone_else_has_none() {
        let named = [
            ("198.51.100.0/25", 1),
            ("198.51.100.128/25", 2),
            ("198.51.100.7/32", 1),
            ("2001:db8:5::/48", 2),
        ];
        let profiles = Profiles::told_apart(named.map(|(text, number)| {
            let (address, bits) = network(text);
            (address, bits, number)
        }));
        for (client, number) in [
            ("198.51.100.7", 1),
            ("198.51.100.127", 1),
            ("198.51.100.128", 2),
            ("::ffff:198.51.100.200", 2),
            ("2001:db8:5::1", 2),
            ("198.51.101.0", 0),
            ("198.51.99.255", 0),
            ("2001:db8:6::1", 0),
        ] {
            assert_eq!(profiles.of(ip(client)), number, "{client}");
        }
        assert_eq!(Profiles::told_apart([]).of(ip("198.51.100.7")), 0);
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
