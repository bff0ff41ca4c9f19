use super::area::Area;

/// What a simulation cannot be made to show, or not within few enough seeds, and why.
///
/// Each is an area, and what the name of a thing in it begins with.
pub const EXCLUDED: &[(Area, &str, &str)] = &[
    (Area::Rule, "unknown: ", "no version of the program writes a state that another does not know"),
    (Area::Change, "remove stale", "who wants a row back has a few milliseconds between the look at it and its purge"),
    (Area::Change, "remove busy", "who locks a row has a few milliseconds between the look at it and its purge"),
    (Area::Change, "update busy", "who locks a row has a few milliseconds between a sweep's look at it and its write"),
];
