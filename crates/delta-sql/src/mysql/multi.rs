use std::sync::Arc;

use super::query::{Query, Value};

/// A statement that inserts rows, in one text for each of a few numbers of rows: so connections can keep it prepared.
#[derive(Clone, Debug)]
pub(super) struct Multi {
    columns: usize,
    texts: [Arc<str>; SIZES.len()],
}

/// Any number of rows is a sum of few of these.
const SIZES: [usize; 18] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/// How many bytes one statement brings along at most, if it is not of a single row: well below what a server takes as one
/// packet by default, which is 16 MiB.
const MOST: usize = 1 << 20;

impl Multi {
    /// `INSERT INTO` and what stands before `VALUES`, how many columns it names, and what stands after them.
    pub(super) fn new(before: &str, columns: usize, after: &str) -> Self {
        Self::of(before, columns, &vec!["?"; columns].join(", "), after)
    }

    /// The same, with what a row is made of its parameters.
    pub(super) fn of(before: &str, columns: usize, row: &str, after: &str) -> Self {
        let row = format!("({row})");
        let text = |size: usize| format!("{before} VALUES {}{after}", vec![row.as_str(); size].join(", ")).into();
        Self { columns, texts: SIZES.map(text) }
    }

    /// The text for a single row.
    pub(super) fn single(&self) -> &Arc<str> {
        &self.texts[0]
    }

    /// The rows in as many statements as it takes, in their order, each with the number of its rows.
    pub(super) fn queries<'q>(&self, rows: Vec<Vec<Value<'q>>>) -> Vec<(Query<'q>, usize)> {
        let mut queries = Vec::new();
        let mut rows = rows.into_iter().peekable();
        let mut taken: Vec<Vec<Value<'q>>> = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next() {
            debug_assert_eq!(row.len(), self.columns);
            bytes += size(&row);
            taken.push(row);
            let full =
                rows.peek().is_none_or(|next| bytes + size(next) > MOST) || taken.len() == SIZES[SIZES.len() - 1];
            if full {
                self.cut(&mut taken, &mut queries);
                bytes = 0;
            }
        }
        queries
    }

    fn cut<'q>(&self, rows: &mut Vec<Vec<Value<'q>>>, queries: &mut Vec<(Query<'q>, usize)>) {
        let mut rows = rows.drain(..);
        while rows.len() > 0 {
            let place = SIZES.iter().rposition(|size| *size <= rows.len()).unwrap_or(0);
            let values = rows.by_ref().take(SIZES[place]).flatten().collect();
            queries.push((Query { text: self.texts[place].clone(), values }, SIZES[place]));
        }
    }
}

fn size(row: &[Value<'_>]) -> usize {
    row.iter().map(Value::size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: Vec<Vec<Value<'_>>>) -> Vec<usize> {
        let queries = Multi::new("INSERT INTO t (a, b)", 2, "").queries(rows);
        assert!(queries.iter().all(|(query, rows)| query.values.len() == rows * 2));
        queries.into_iter().map(|(_, rows)| rows).collect()
    }

    #[test]
    fn a_text_has_a_parameter_for_each_value() {
        let multi = Multi::new("INSERT INTO t (a, b)", 2, " ON DUPLICATE KEY UPDATE a = a");
        let queries = multi.queries(vec![vec![1_i64.into(), 2_i64.into()]; 2]);
        assert_eq!(&*queries[0].0.text, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE a = a");
    }

    #[test]
    fn any_number_of_rows_takes_few_statements() {
        let row = || vec![Value::from(1_i64), Value::from("a")];
        assert_eq!(sizes(vec![]), Vec::<usize>::new());
        assert_eq!(sizes(vec![row()]), [1]);
        assert_eq!(sizes(vec![row(); 100]), [96, 4]);
        assert_eq!(sizes(vec![row(); 1000]), [512, 384, 96, 8]);
        for rows in 1..600 {
            let sizes = sizes(vec![row(); rows]);
            assert!(sizes.len() <= 5 && sizes.iter().sum::<usize>() == rows, "{rows}: {sizes:?}");
        }
    }

    #[test]
    fn large_rows_take_more_statements_and_none_is_cut() {
        let row = |bytes| vec![Value::from(1_i64), Value::from("x".repeat(bytes))];
        assert_eq!(sizes(vec![row(MOST + 1); 3]), [1, 1, 1]);
        assert_eq!(sizes(vec![row(MOST / 4 - 100); 8]), [4, 4]);
        assert_eq!(sizes(vec![row(1), row(MOST), row(1)]), [1, 1, 1]);
    }
}
