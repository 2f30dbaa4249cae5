//! The client networks in Python.

use crate::dns::clients::{Networks, Profiles};
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::net::{IpAddr, Ipv6Addr};

#[pyclass(name = "Networks", module = "cop_filter._native", frozen)]
pub struct PyNetworks(pub Networks);

#[pymethods]
impl PyNetworks {
    /// Networks as pairs: an address inside, and the length of the prefix.
    #[new]
    fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        Self(Networks::new(networks))
    }

    /// False for an address outside every network, and for what is no address.
    fn permits(&self, client: &Bound<'_, PyString>) -> bool {
        address_of(client).is_some_and(|address| self.0.permits(address))
    }
}

#[pyclass(name = "Profiles", module = "cop_filter._native", frozen)]
pub struct PyProfiles(Profiles);

#[pymethods]
impl PyProfiles {
    /// Networks as an address inside, the length of the prefix, and the number of the clients' profile.
    #[new]
    fn new(networks: Vec<(IpAddr, u8, u32)>) -> Self {
        Self(Profiles::told_apart(networks))
    }

    /// The number of a client's profile; 0 for everyone else, and for what is no address.
    fn of(&self, client: &Bound<'_, PyString>) -> u32 {
        address_of(client).map_or(0, |address| self.0.of(address))
    }
}

fn address_of(client: &Bound<'_, PyString>) -> Option<IpAddr> {
    client.to_str().ok().and_then(address)
}

/// An address as the sockets of the system spell it: an IPv6 one may name its scope (RFC 4007 §11).
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if !text.contains(':') {
        return text.parse().ok();
    }
    let (address, _scope) = text.split_once('%').unwrap_or((text, ""));
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
