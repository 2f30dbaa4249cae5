//! `cop_filter._native`: what runs per URL or packet on hostile bytes, and nothing that a person decides.

pub mod both;
pub mod builder;
pub mod canonical;
pub mod change;
pub mod dns;
pub mod domains;
pub mod entries;
pub mod fingerprints;
pub mod index;
pub mod layout;
pub mod oracle;
pub mod ordinary;
pub mod protected;
pub mod question;
pub mod records;
pub mod spelling;

#[cfg(feature = "python")]
mod python;

#[cfg(feature = "python")]
pub use python::_native;
