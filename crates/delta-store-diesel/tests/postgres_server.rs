//! What it takes a server to show of this driver: S12, errors, dropped futures, prepared statements, encryption.

#![cfg(feature = "postgres")]

mod postgres_cases;
mod postgres_support;
