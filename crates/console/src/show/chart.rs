use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use keymint_domain::metering::{Point, Series, Step};

use super::number::{count, plural};

/// A row of small bars: the uses of some days.
#[derive(Debug, Clone)]
pub(crate) struct Spark {
    uses: Vec<u64>,
}

impl Spark {
    /// Draws these numbers, the oldest first.
    pub(crate) fn new(uses: Vec<u64>) -> Self {
        Self { uses }
    }
}

const SPARK_HEIGHT: u64 = 24;

impl fmt::Display for Spark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, total) = (self.uses.iter().copied().max().unwrap_or(0), self.uses.iter().sum::<u64>());
        let text = plural(total, "use", "uses");
        let width = self.uses.len() * 9;
        write!(
            f,
            "<span class=\"used\"><svg class=\"spark\" viewBox=\"0 0 {width} {SPARK_HEIGHT}\" width=\"{width}\" \
             height=\"{SPARK_HEIGHT}\" role=\"img\" aria-label=\"{text} in {} days\">",
            self.uses.len()
        )?;
        // A list has hundreds of bars, so that those of a colour are one path.
        let (mut used, mut unused) = (String::new(), String::new());
        for (place, uses) in self.uses.iter().enumerate() {
            let height = scaled(*uses, most, SPARK_HEIGHT - 2).max(1);
            let bars = if *uses > 0 { &mut used } else { &mut unused };
            write!(bars, "M{} {}h7v{height}h-7z", place * 9 + 1, SPARK_HEIGHT - height)?;
        }
        write!(
            f,
            "<path class=\"good\" d=\"{used}\"/><path class=\"none\" d=\"{unused}\"/></svg>\
             <span aria-hidden=\"true\">{}</span></span>",
            count(total)
        )
    }
}

/// It writes numbers and marks of its own alone.
impl HtmlSafe for Spark {}

/// Returns the share that `part` has of `most`, of a length; any use is seen.
fn scaled(part: u64, most: u64, length: u64) -> u64 {
    let Some(share) = u128::from(part).saturating_mul(u128::from(length)).checked_div(u128::from(most)) else {
        return 0;
    };
    u64::try_from(share).unwrap_or(length).max(u64::from(part > 0))
}

/// Bars of accepted and refused calls, step by step.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    points: Vec<Point>,
    step: Step,
}

const WIDTH: u64 = 720;
const HEIGHT: u64 = 160;
/// The room for the labels below the bars.
const BELOW: u64 = 20;

impl Chart {
    /// Draws a series.
    pub(crate) fn new(series: &Series, step: Step) -> Self {
        Self { points: series.points.clone(), step }
    }

    fn label(&self, point: &Point) -> String {
        let format = if self.step == Step::Hour { "%-d %b, %H:%M" } else { "%-d %b" };
        point.start.start().to_utc().format(format).to_string()
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = |point: &Point| point.counts.accepted.saturating_add(point.counts.refused());
        let most = self.points.iter().map(calls).max().unwrap_or(0);
        let number = u64::try_from(self.points.len()).unwrap_or(1).max(1);
        let (slot, total) = (WIDTH / number, HEIGHT + BELOW);
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {total}\" role=\"img\" aria-label=\"Uses over time; the table below \
             has the numbers\"><line class=\"grid\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>\
             <text class=\"axis\" x=\"0\" y=\"10\">{}</text>",
            count(most)
        )?;
        for (place, point) in (0..).zip(&self.points) {
            let (x, wide) = (place * slot, slot.saturating_sub(2).max(1));
            let accepted = scaled(point.counts.accepted, most, HEIGHT - 16);
            let refused = scaled(point.counts.refused(), most, HEIGHT - 16);
            let label = self.label(point);
            write!(
                f,
                "<g><title>{label}: {} accepted, {} refused</title>\
                 <rect class=\"hit\" x=\"{x}\" y=\"0\" width=\"{wide}\" height=\"{HEIGHT}\"/>\
                 <rect class=\"good\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{accepted}\"/>\
                 <rect class=\"bad\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{refused}\"/></g>",
                count(point.counts.accepted),
                count(point.counts.refused()),
                HEIGHT - accepted,
                HEIGHT.saturating_sub(accepted + refused),
            )?;
        }
        let last = self.points.len().saturating_sub(1);
        for (place, anchor, x) in [(0, "start", 0), (last / 2, "middle", WIDTH / 2), (last, "end", WIDTH)] {
            if let Some(point) = self.points.get(place) {
                write!(
                    f,
                    "<text class=\"axis\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{}\">{}</text>",
                    total - 5,
                    self.label(point)
                )?;
            }
        }
        f.write_str("</svg>")
    }
}

/// It writes numbers, dates and marks of its own alone.
impl HtmlSafe for Chart {}
