use plotters::style::RGBColor;

use crate::subject::{LIMIT_OWN, LIMIT_REFERENCE};

pub(super) const INK: RGBColor = RGBColor(51, 51, 51);
pub(super) const FAINT: RGBColor = RGBColor(224, 224, 224);

/// Told apart by people who see red and green alike as well (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(148, 103, 189),
];

/// Limits are grey, as what is measured against.
pub(super) fn colour(subject: &str, number: usize) -> RGBColor {
    match subject {
        LIMIT_OWN => RGBColor(90, 90, 90),
        LIMIT_REFERENCE => RGBColor(170, 170, 170),
        _ => COLOURS[number % COLOURS.len()],
    }
}
