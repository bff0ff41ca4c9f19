use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::Plot;
use super::choose::Chart;
use super::palette::{FAINT, INK, colour};
use crate::failure::Failure;
use crate::table::figure;

const SIZE: (u32, u32) = (860, 480);

/// A range this wide is drawn by powers.
const WIDE: f64 = 20.0;

/// Lines with a point at each figure.
pub(super) fn lines(chart: &Chart) -> Result<Plot, Failure> {
    let points = || chart.lines.values().flatten().copied();
    let (low, high) = ends(points().map(|(x, _)| x));
    let top = ends(points().map(|(_, y)| y)).1.max(f64::MIN_POSITIVE) * 1.08;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(said)?;
        let mut builder = ChartBuilder::on(&area);
        builder.caption(&chart.title, ("sans-serif", 20, &INK)).margin(14);
        builder.x_label_area_size(46).y_label_area_size(84);
        if low > 0.0 && high / low > WIDE {
            let context = builder.build_cartesian_2d((low..high).log_scale(), 0.0..top).map_err(said)?;
            fill(context, chart)?;
        } else {
            let context = builder.build_cartesian_2d(low..high, 0.0..top).map_err(said)?;
            fill(context, chart)?;
        }
        area.present().map_err(said)?;
    }
    Ok(Plot { name: chart.name.clone(), svg })
}

fn fill<'a, X>(
    mut context: ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, plotters::coord::types::RangedCoordf64>>,
    chart: &Chart,
) -> Result<(), Failure>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    context
        .configure_mesh()
        .x_desc(&chart.x)
        .y_desc(&chart.y)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .label_style(("sans-serif", 13, &INK))
        .axis_desc_style(("sans-serif", 15, &INK))
        .draw()
        .map_err(said)?;
    for (number, (subject, points)) in chart.lines.iter().enumerate() {
        let colour = colour(subject, number);
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        let series = context.draw_series(line).map_err(said)?;
        series.label(subject).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        // Points of what is seen all the time would be one another's shadow.
        if points.len() <= 40 {
            let dots = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
            context.draw_series(dots).map_err(said)?;
        }
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(FAINT)
        .label_font(("sans-serif", 13, &INK))
        .draw()
        .map_err(said)
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low < high { (low, high) } else { (low, low + 1.0) }
}

/// As on an axis: 12,000 and 0.5.
fn short(value: f64) -> String {
    let text = figure(value);
    if value.abs() < 100.0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

pub(super) fn said<E: std::error::Error + Send + Sync + 'static>(error: E) -> Failure {
    Box::new(error)
}
