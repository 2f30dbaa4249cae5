//! Answers onto the wire.
