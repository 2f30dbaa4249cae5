//! DNS: messages on the wire, answers kept, and the fast path that answers what is already decided.
//!
//! Python decides; this repeats. What cannot be answered from what Python decided before is handed up
//! to it, whole.

pub mod addresses;
pub mod cache;
pub mod clients;
pub mod cookies;
pub mod desk;
pub mod edns;
pub mod flights;
pub mod handups;
pub mod limits;
pub mod misses;
pub mod names;
pub mod path;
pub mod query;
pub mod reply;
pub mod response;
pub mod shared;
pub mod shares;
pub mod sockets;
pub mod standing;
pub mod tally;
pub mod upstreams;
pub mod waiting;
pub mod worker;
