//! Queries off the wire (RFC 1035 §4, RFC 6891, RFC 9619).
