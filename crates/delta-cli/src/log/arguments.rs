use clap::Args;
use delta::core::EventTable;

/// Which log.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogArguments {
    /// The log: `delta` for Delta's own, the name of its table for an application's.
    #[arg(long, value_name = "NAME", default_value = "delta")]
    pub(crate) log: String,

    #[command(flatten)]
    pub(crate) columns: LogColumns,
}

/// How the columns of applications' logs are named.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LogColumns {
    /// How a column of an application's table is named where it is not the default: one of id, `foreign_id`, type and time;
    /// may be repeated.
    #[arg(long, value_name = "WHAT=COLUMN", value_parser = column)]
    column: Vec<(Column, String)>,
}

/// A column of an application's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    ForeignId,
    Type,
    Time,
}

impl LogColumns {
    /// The table of a log, with its columns as they were named.
    pub(crate) fn table(&self, log: &str) -> EventTable {
        self.column.iter().fold(EventTable::new(log), |table, (column, name)| match column {
            Column::Id => table.id_column(name),
            Column::ForeignId => table.foreign_id_column(name),
            Column::Type => table.type_column(name),
            Column::Time => table.time_column(name),
        })
    }
}

fn column(text: &str) -> Result<(Column, String), String> {
    let expected = || "expected WHAT=COLUMN, WHAT being one of id, foreign_id, type and time".to_owned();
    let (what, name) = text.split_once('=').ok_or_else(expected)?;
    let column = match what {
        "id" => Column::Id,
        "foreign_id" => Column::ForeignId,
        "type" => Column::Type,
        "time" => Column::Time,
        _ => return Err(expected()),
    };
    Ok((column, name.to_owned()))
}
