use super::area::Area;

/// What cannot happen in a simulation, and why.
///
/// Each is an area, and what the name of a thing in it begins with.
pub const EXCLUDED: &[(Area, &str, &str)] =
    &[(Area::Rule, "unknown: ", "no version of the program writes a state that another does not know")];
