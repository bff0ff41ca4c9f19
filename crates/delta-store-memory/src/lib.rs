//! The in-memory store of Delta: the reference model, and what unit tests swap in.
