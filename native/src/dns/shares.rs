//! How many things of a client network are in flight.

#[cfg(test)]
mod tests;

use crate::dns::limits::network;
use std::collections::HashMap;
use std::net::IpAddr;

/// Counts what is in flight, in all and for each client network, so that one network's questions leave
/// room for the others'.
pub struct Shares {
    most: usize,
    per_network: usize,
    in_flight: usize,
    of_network: HashMap<u64, usize>,
}

impl Shares {
    /// At most `most` in flight together, and `per_network` of one client network.
    pub fn new(most: usize, per_network: usize) -> Self {
        Self {
            most,
            per_network,
            in_flight: 0,
            // Twice, so that the map never grows: at most half full, it is tidied up in place.
            of_network: HashMap::with_capacity(most.saturating_mul(2)),
        }
    }

    /// False: no room, and nothing is counted. Each true wants one `leave` for the same client. O(1).
    pub fn enter(&mut self, client: IpAddr) -> bool {
        if self.in_flight >= self.most || self.per_network == 0 {
            return false;
        }
        let count = self.of_network.entry(network(client)).or_insert(0);
        if *count >= self.per_network {
            return false;
        }
        *count += 1;
        self.in_flight += 1;
        true
    }

    /// Gives back what `enter` took; without that it does nothing.
    pub fn leave(&mut self, client: IpAddr) {
        let network = network(client);
        let Some(count) = self.of_network.get_mut(&network) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.of_network.remove(&network);
        }
        self.in_flight -= 1;
    }

    /// How many are in flight of this client's network.
    pub fn of(&self, client: IpAddr) -> usize {
        self.of_network.get(&network(client)).copied().unwrap_or(0)
    }
}
