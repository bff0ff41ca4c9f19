use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, table};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Fine,
    /// To be known, but not a problem by itself.
    Note,
    /// A problem.
    Problem,
}

pub(super) fn fine(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Fine, detail }
}

pub(super) fn note(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Note, detail }
}

pub(super) fn problem(check: &'static str, detail: String) -> Finding {
    Finding { check, verdict: Verdict::Problem, detail }
}

/// Writes what was found; a problem is a failure.
pub(super) fn report(findings: &[Finding], output: &mut Output) -> Result<(), Failure> {
    let problems = findings.iter().filter(|finding| finding.verdict == Verdict::Problem).count();
    let problems = u64::try_from(problems).unwrap_or(u64::MAX);
    let verdict = |verdict| match verdict {
        Verdict::Fine => "fine",
        Verdict::Note => "note",
        Verdict::Problem => "PROBLEM",
    };
    let rows =
        findings.iter().map(|found| [verdict(found.verdict).to_owned(), found.check.to_owned(), found.detail.clone()]);
    let people = table(["VERDICT", "CHECK", "DETAIL"], rows);
    output.write(people, &json!({ "healthy": problems == 0, "findings": findings }))?;
    if problems == 0 { Ok(()) } else { Err(Failure::Unhealthy(problems)) }
}
