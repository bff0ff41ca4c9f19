/// One step of a schema, with its names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The version that it leads to, from 1 and without gaps.
    pub version: u32,
    /// What it brings.
    pub name: &'static str,
    /// The oldest version whose programs go on working when it is applied: at least the one before, so that a fleet is
    /// migrated first and its processes are replaced one by one afterwards.
    pub serves: u32,
    /// The statements that lead there from the version before.
    pub up: String,
    /// The statements that lead back.
    pub down: String,
}
