//! Simulates a fleet of clients, for the seeds that are given as `first..end`.

use delta_testkit::sim::fleet::{Fleet, scenario};
use delta_testkit::sim::run;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (first, end) = arguments[1].split_once("..").unwrap();
    let begin = std::time::Instant::now();
    let mut operations = 0;
    let mut bad = 0;
    for seed in first.parse::<u64>().unwrap()..end.parse().unwrap() {
        let one = run(&scenario(seed), None, delta_testkit::invariants::all(), Fleet::new);
        operations += one.operations;
        if let Some(violation) = &one.violation {
            bad += 1;
            println!("seed {seed}: {violation}");
        }
        if arguments.len() > 2 {
            println!("{}", one.history);
            println!(
                "{} rows, {} events, {} faults, {} operations",
                one.last.rows.len(),
                one.last.log.len(),
                one.faults.len(),
                one.operations
            );
        }
    }
    println!("{bad} bad, {operations} operations, {:?}", begin.elapsed());
}
