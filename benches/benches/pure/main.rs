//! What Delta does without a database: plans, hashing, decoding, filters, cursors; and all of it on the store in memory.
//!
//! `cargo bench -p delta-benches --bench pure`. Each figure is of the batch that its name says.

mod inform;
mod log;
mod memory;
mod object;
mod samples;
mod settle;
mod statements;

criterion::criterion_group!(
    benches,
    inform::plan,
    object::canonical,
    object::hash,
    object::decode,
    settle::plan,
    log::filter,
    log::cursor,
    statements::render,
    memory::round
);
criterion::criterion_main!(benches);
