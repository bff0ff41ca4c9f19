//! The suite is whole: no case and no clause is forgotten.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The modules of cases, with the cases in each.
fn cases() -> Vec<(String, Vec<String>)> {
    let modules = read("src/contract/mod.rs");
    let modules = modules.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    modules
        .map(|module| {
            let text = read(&format!("src/contract/{module}.rs"));
            let names = text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('<').next());
            (module.to_owned(), names.map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn every_case_is_in_the_suite_under_its_module() {
    // Those of exact copies, of consumers and of applications' logs are lists of their own, for stores that have them.
    let lists = ["suite", "restore", "log_suite", "table_suite"];
    let suite: String = lists.iter().map(|list| read(&format!("src/contract/{list}.rs"))).collect();
    let (mut module, mut listed) = (None, BTreeSet::new());
    for line in suite.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(": [") {
            module = Some(name.to_owned());
        } else if line == "]," {
            module = None;
        } else if let (Some(module), Some(case)) = (&module, line.strip_suffix(',')) {
            listed.insert((module.clone(), case.to_owned()));
        }
    }
    let cases = cases();
    assert!(cases.len() > 20, "{cases:?}");
    for (module, names) in &cases {
        assert!(!names.is_empty(), "{module} has no case");
        for name in names {
            let is_here = match module.as_str() {
                "browse" => true,
                // After its clauses, R1 and so on.
                "restore" => name.strip_prefix('r').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())),
                _ => name.starts_with(&format!("{module}_")),
            };
            assert!(is_here, "{name} is in {module}");
            assert!(listed.contains(&(module.clone(), name.clone())), "{name} is not in the suite");
        }
    }
    assert_eq!(listed.len(), cases.iter().map(|(_, names)| names.len()).sum::<usize>());
}

#[test]
fn every_clause_has_cases_but_the_one_that_takes_a_server() {
    let clauses = include_str!("../../delta-core/src/docs/store.md");
    let clauses = clauses.lines().filter_map(|line| line.strip_prefix("- **S")?.split("**").next());
    let clauses: BTreeSet<u32> = clauses.map(|number| number.parse().unwrap()).collect();
    let covered = cases().into_iter().filter_map(|(module, _)| module.strip_prefix('s')?.parse::<u32>().ok());
    let covered: BTreeSet<u32> = covered.collect();
    assert!(clauses.len() >= 20, "{clauses:?}");
    assert_eq!(clauses.difference(&covered).collect::<Vec<_>>(), [&12]);
}
