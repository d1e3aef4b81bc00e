//! Line charts as SVG, legible on light and on dark pages.
//!
//! The page behind is left alone: text and axes are a grey that stands out from white and from black alike, and the
//! colours of the lines are of medium lightness. Labels stand at the ends of their lines, so colour is not all there is.

use std::fmt::Write as _;

/// One line with its label.
pub struct Line {
    /// Shown at its right end.
    pub label: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Which colour and dash; 0 is ours and drawn thicker.
    pub style: usize,
}

/// What an axis shows.
pub struct Axis {
    /// Under or above it.
    pub label: &'static str,
    /// The values with a tick, with their texts; the first and the last are its ends.
    pub ticks: Vec<(f64, &'static str)>,
    /// Whether distances are ratios.
    pub log: bool,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let scale = |v: f64| if self.log { v.max(1e-12).ln() } else { v };
        let (low, high) = match (self.ticks.first(), self.ticks.last()) {
            (Some(low), Some(high)) => (scale(low.0), scale(high.0)),
            _ => (0.0, 1.0),
        };
        ((scale(value) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 210.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 60.0;
/// The colours are those of Okabe and Ito that keep their contrast on white and on black; ours comes first.
const COLOURS: [&str; 7] = ["#0081c9", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#8a63d2", "#7f8c8d"];
const DASHES: [&str; 7] = ["", "7 3", "2 3", "9 3 2 3", "5 5", "12 4", "1 4"];
const INK: &str = "#808890";

/// The whole chart.
#[must_use]
pub fn chart(title: &str, subtitle: &str, x: &Axis, y: &Axis, lines: &[Line]) -> String {
    let across = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    let up = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
         <title>{title}</title>\n<desc>{subtitle}</desc>\n\
         <text x=\"16\" y=\"26\" font-size=\"17\" font-weight=\"600\">{title}</text>\n\
         <text x=\"16\" y=\"46\">{subtitle}</text>\n"
    );
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, text) in &y.ticks {
        let at = up(*value);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{INK}\" stroke-opacity=\".3\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 8.0,
            at + 4.5
        );
    }
    for (value, text) in &x.ticks {
        let at = across(*value);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{}\" stroke=\"{INK}\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
            bottom + 5.0,
            bottom + 20.0
        );
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"{INK}\"/>\
         <text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
         <text x=\"16\" y=\"{}\">{}</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 14.0,
        x.label,
        TOP - 18.0,
        y.label
    );
    let labels = apart(lines.iter().map(|line| line.points.last().map_or(0.0, |point| up(point.1))).collect());
    for (n, line) in lines.iter().enumerate().rev() {
        let (colour, dash) = (COLOURS[line.style % COLOURS.len()], DASHES[line.style % DASHES.len()]);
        let points: Vec<String> =
            line.points.iter().map(|point| format!("{:.1},{:.1}", across(point.0), up(point.1))).collect();
        let (width, weight) = if line.style == 0 { (3.5, 700) } else { (2.0, 400) };
        let end = line.points.last().map_or(right, |point| across(point.0));
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dash}\" \
             stroke-linejoin=\"round\" points=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"{weight}\">{}</text>",
            points.join(" "),
            end + 8.0,
            labels[n] + 4.5,
            line.label
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Heights of labels, moved apart as far as it takes to read them.
fn apart(heights: Vec<f64>) -> Vec<f64> {
    const LEADING: f64 = 16.0;
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights;
    // Down from the top, then, where that ran below the axis, up again.
    for pair in 1..order.len() {
        moved[order[pair]] = moved[order[pair]].max(moved[order[pair - 1]] + LEADING);
    }
    let mut lowest = HEIGHT - BOTTOM;
    for position in order.iter().rev() {
        moved[*position] = moved[*position].min(lowest);
        lowest = moved[*position] - LEADING;
    }
    moved
}

/// About `n` points of a curve: evenly spaced, or at even ratios, beginning with the first point; always with the last.
#[must_use]
pub fn thin(curve: &[f64], n: usize, log: bool) -> Vec<(f64, f64)> {
    let last = curve.len().saturating_sub(1);
    let mut out: Vec<usize> = (0..=n)
        .map(|i| {
            let part = i as f64 / n as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, from 0 to the last")]
            let at = if log { ((last + 1) as f64).powf(part) - 1.0 } else { last as f64 * part } as usize;
            at.min(last)
        })
        .collect();
    out.push(last);
    out.dedup();
    out.into_iter().filter_map(|i| Some(((i + 1) as f64, *curve.get(i)?))).collect()
}

/// Writes a chart to `docs/plots/` of the repository.
///
/// # Panics
///
/// If the file can not be written.
pub fn save(name: &str, svg: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plots");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(name), svg))
        .expect("docs/plots is writable");
}
