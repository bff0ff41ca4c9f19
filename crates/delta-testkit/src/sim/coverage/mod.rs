//! What simulations have shown, and what they have yet to show.

mod area;
mod counts;
mod excluded;
mod rules;

pub use area::Area;
pub use counts::Coverage;
pub use excluded::EXCLUDED;
