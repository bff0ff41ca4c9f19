/// Compares a store with the memory store over histories drawn at random: one test for changesets made by hand, one for
/// those that plans decide.
///
/// It takes what [`store_contract!`](crate::store_contract) takes. `PROPTEST_CASES` sets how many histories are tried (32),
/// and a file `<test>.regressions` beside the test, to be kept in the repository, has those that once failed.
///
/// # Examples
///
/// In `tests/differential.rs` of a store's crate:
///
/// ```
/// # use delta_testkit::contract::MemoryFixture as MyFixture;
/// delta_testkit::store_differential!(|| async { MyFixture::new() });
/// ```
#[macro_export]
macro_rules! store_differential {
    ($make:expr) => {
        #[test]
        fn differential_changesets_do_what_the_reference_does() {
            $crate::differential::run(file!(), $crate::differential::raw_steps(), $make);
        }

        #[test]
        fn differential_plans_do_what_the_reference_does() {
            $crate::differential::run(file!(), $crate::differential::planned_steps(), $make);
        }
    };
}
