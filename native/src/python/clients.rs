//! The client networks in Python.

use crate::dns::clients::Networks;
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
        let address = client.to_str().ok().and_then(address);
        address.is_some_and(|address| self.0.permits(address))
    }
}

/// An address as the sockets of the system spell it: an IPv6 one may name its scope (RFC 4007 §11).
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if !text.contains(':') {
        return text.parse().ok();
    }
    let (address, _scope) = text.split_once('%').unwrap_or((text, ""));
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
