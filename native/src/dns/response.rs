//! An upstream's response, read strictly.
