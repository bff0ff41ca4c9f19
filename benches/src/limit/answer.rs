use crate::failure::Failure;

/// Gives the columns of an answer names, and adds a last row that holds the ids of what was claimed in the column `ids`:
/// `pgbench` keeps the last row of an answer in variables.
pub(super) fn with_ids(text: &str) -> Result<String, Failure> {
    let unknown = |what: &str| Failure::from(format!("expected the answer of a claim to have {what}, found: {text}"));
    let start = text.find("\nSELECT ").ok_or_else(|| unknown("a list of columns"))? + "\nSELECT ".len();
    let length = top_level(&text[start..], "FROM ").first().copied().ok_or_else(|| unknown("a table"))?;
    let (selected, rest) = text[start..].split_at(length);
    let mut from = rest.split_whitespace().skip(1);
    let table = from.next().ok_or_else(|| unknown("a table"))?;
    let mut columns = Vec::new();
    let mut at = 0;
    for comma in top_level(selected, ",").into_iter().chain([selected.len()]) {
        columns.push(selected[at..comma].trim());
        at = comma + 1;
    }
    let ids = columns.iter().position(|column| *column == "NULL::bigint[]");
    let ids = ids.ok_or_else(|| unknown("an empty array of numbers"))?;
    let named = columns.iter().enumerate().map(|(number, column)| {
        if number == ids { format!("{column} AS ids") } else { format!("{column} AS c{number}") }
    });
    let last = (0..columns.len())
        .map(|number| if number == ids { "coalesce(array_agg(l.id ORDER BY l.lease_token), '{}')" } else { "NULL" });
    Ok(format!(
        "{}{} {rest}\nUNION ALL SELECT {} FROM {table} l",
        &text[..start],
        named.collect::<Vec<_>>().join(", "),
        last.collect::<Vec<_>>().join(", ")
    ))
}

/// Where a part stands in a text outside of parentheses and quotes.
fn top_level(text: &str, part: &str) -> Vec<usize> {
    let (mut found, mut depth, mut quoted) = (Vec::new(), 0_i32, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 && !quoted && text[at..].starts_with(part) {
            found.push(at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::with_ids;

    #[test]
    fn the_last_row_has_the_ids() {
        let text = "WITH claimed AS (\n    SELECT 1\n)\nSELECT 2, NULL::bigint[], f(r.a, r.b)\nFROM claimed r JOIN d USING (id)\n\
                    UNION ALL SELECT 0, array_agg(s.n), NULL FROM settled s";
        let changed = with_ids(text).unwrap();
        assert!(
            changed.contains("SELECT 2 AS c0, NULL::bigint[] AS ids, f(r.a, r.b) AS c2 FROM claimed r"),
            "{changed}"
        );
        let last = changed.lines().last().unwrap();
        assert_eq!(
            last,
            "UNION ALL SELECT NULL, coalesce(array_agg(l.id ORDER BY l.lease_token), '{}'), NULL FROM claimed l"
        );
    }

    #[test]
    fn an_answer_without_room_for_ids_is_told() {
        let error = with_ids("WITH claimed AS (x)\nSELECT 2, 3 FROM claimed").unwrap_err();
        assert!(error.to_string().contains("an empty array of numbers"), "{error}");
    }
}
