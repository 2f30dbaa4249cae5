//! Answers kept for their lifetime, bounded in bytes.
