//! What it takes a server to show: S12, S15, rights, wake-ups, the log, and what the database itself refuses.

#![cfg(feature = "postgres")]

mod postgres_cases;
mod postgres_support;
