use clap::Args;
use delta::core::{Depth, Resource};
use delta::{AnyClient, ListQuery, ResourceId};
use serde_json::json;

use crate::clock;
use crate::failure::Failure;
use crate::filter::FilterArguments;
use crate::output::{Format, Output, age, table};
use crate::records::ResourceRecord;

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    filter: FilterArguments,

    /// How many to show at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Begin after this id: the one that the page before has ended with.
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: i64,
}

impl List {
    pub(super) async fn run(&self, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let depth = match output.format() {
            Format::Table => Depth::Head,
            Format::Json => Depth::Full,
        };
        // One more, to know whether there is another page.
        let limit = self.limit + 1;
        let query = ListQuery { filter: self.filter.filter()?, after: ResourceId::new(self.after), limit, depth };
        let mut rows = client.list(&query).await?;
        let more = rows.len() > usize::try_from(self.limit).unwrap_or(usize::MAX);
        if more {
            rows.pop();
        }
        let next = rows.last().filter(|_| more).map(|row| row.id.get());
        let people =
            table(["ID", "RESOURCE", "STATE", "SINCE", "GENERATION", "ATTEMPT", "ERRORS"], rows.iter().map(line));
        let programs: Vec<_> = rows.iter().map(ResourceRecord::new).collect();
        output.write(people, &json!({ "resources": programs, "next": next }))?;
        if let (Format::Table, Some(next)) = (output.format(), next) {
            output.finish()?;
            eprintln!("delta: there are more: --after {next}");
        }
        Ok(())
    }
}

fn line(row: &Resource) -> [String; 7] {
    let paused = if row.paused { " (paused)" } else { "" };
    let absent = row.desired.absent_by().map_or("", |_| " (absent)");
    [
        row.id.to_string(),
        row.key.to_string(),
        format!("{}{absent}{paused}", row.state),
        age(clock::now().since(row.state_since)),
        row.generation.to_string(),
        row.attempt.to_string(),
        row.error_count.to_string(),
    ]
}
