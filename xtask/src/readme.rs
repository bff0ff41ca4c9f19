use std::fs;
use std::path::PathBuf;

use crate::cargo::root;
use crate::failure::Failure;

/// What stands before and after the table.
const BEGIN: &str = "<!-- matrix: made of what the tests noted, by `cargo xtask test --bless` -->\n";
const END: &str = "<!-- end of the matrix -->";

/// Compares the matrix of the README with what the tests have shown.
pub(crate) fn check(table: &str) -> Result<(), Failure> {
    let (text, updated) = replaced(table)?;
    if text == updated {
        return Ok(());
    }
    Err(Failure::Message(
        "the matrix of the README is not what the tests have shown: run `cargo xtask test --bless`".to_owned(),
    ))
}

/// Writes the matrix into the README.
pub(crate) fn bless(table: &str) -> Result<(), Failure> {
    let (text, updated) = replaced(table)?;
    if text == updated {
        return Ok(());
    }
    eprintln!("the matrix of the README is written anew");
    fs::write(path(), updated).map_err(Failure::doing("write the README"))
}

fn path() -> PathBuf {
    root().join("README.md")
}

fn replaced(table: &str) -> Result<(String, String), Failure> {
    let text = fs::read_to_string(path()).map_err(Failure::doing("read the README"))?;
    let updated = replace(&text, table)
        .ok_or_else(|| Failure::Message(format!("the README has no lines `{}` and `{END}`", BEGIN.trim_end())))?;
    Ok((text, updated))
}

fn replace(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, replace};

    #[test]
    fn what_is_between_the_marks_is_replaced_and_the_rest_stays() {
        let text = format!("# Title\n{BEGIN}| old |\n{END}\nMore.\n");
        assert_eq!(replace(&text, "| new |\n"), Some(format!("# Title\n{BEGIN}| new |\n{END}\nMore.\n")));
    }

    #[test]
    fn a_text_without_the_marks_is_left_alone() {
        assert_eq!(replace(&format!("# Title\n{BEGIN}"), "| new |\n"), None);
        assert_eq!(replace("# Title\n", "| new |\n"), None);
    }
}
