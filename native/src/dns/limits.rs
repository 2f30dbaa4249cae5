//! Response rate limiting by client network.
