//! Works a database and counts what that allocates: the load program runs it for its scenario `memory`.

use std::alloc::System;
use std::process::ExitCode;

use delta_benches::scenario::{Allocated, count_allocations};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    count_allocations(allocated)
}

fn allocated() -> Allocated {
    let stats = ALLOCATOR.stats();
    Allocated {
        count: stats.allocations + stats.reallocations,
        bytes: stats.bytes_allocated,
        freed: stats.bytes_deallocated,
    }
}
