//! The memory store is the reference: it passes the whole contract.

use delta_testkit::contract::MemoryFixture;

delta_testkit::store_contract!(|| async { MemoryFixture::new() });

delta_testkit::restore_contract!(|| async { MemoryFixture::new() });

delta_testkit::log_contract!(|| async { MemoryFixture::new() });

delta_testkit::table_contract!(|| async { MemoryFixture::new() });
