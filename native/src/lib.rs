//! `cop_filter._native`: what runs per URL on hostile bytes, and nothing that a person decides.

pub mod builder;
pub mod canonical;
pub mod index;
pub mod layout;
pub mod spelling;

mod python;

pub use python::_native;
