/// One step of a schema, with its names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The version that it leads to, from 1 and without gaps.
    pub version: u32,
    /// What it brings.
    pub name: &'static str,
    /// The statements that lead there from the version before.
    pub up: String,
    /// The statements that lead back.
    pub down: String,
}
