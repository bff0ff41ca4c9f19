//! One module for each command.

pub(crate) mod consumer;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod inform;
pub(crate) mod migrate;
pub(crate) mod resource;
pub(crate) mod scope;
