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

/// Bars of accepted and refused calls, step by step, with the numbers of its axes.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    points: Vec<Point>,
    step: Step,
}

const HEIGHT: u64 = 160;
/// The width that a step has for its bar, in the drawing's own unit: it is stretched to the width of the page.
const SLOT: u64 = 12;

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
        // A few wide bars would look like walls.
        let wide = if number < 10 { SLOT / 2 } else { SLOT - 2 };
        let width = number * SLOT;
        write!(
            f,
            "<div class=\"plot\"><p class=\"axis\" aria-hidden=\"true\">{}</p>\
             <svg class=\"chart\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"Uses over time, in UTC; the table below has the numbers\">",
            count(most)
        )?;
        for (place, point) in (0..).zip(&self.points) {
            let (left, x) = (place * SLOT, place * SLOT + (SLOT - wide) / 2);
            let accepted = scaled(point.counts.accepted, most, HEIGHT - 2);
            let refused = scaled(point.counts.refused(), most, HEIGHT - 2);
            write!(
                f,
                "<g><title>{} UTC: {} accepted, {} refused</title>\
                 <rect class=\"hit\" x=\"{left}\" y=\"0\" width=\"{SLOT}\" height=\"{HEIGHT}\"/>\
                 <rect class=\"good\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{accepted}\"/>\
                 <rect class=\"bad\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{refused}\"/></g>",
                self.label(point),
                count(point.counts.accepted),
                count(point.counts.refused()),
                HEIGHT - accepted,
                HEIGHT.saturating_sub(accepted + refused),
            )?;
        }
        f.write_str("</svg><p class=\"axis ends\" aria-hidden=\"true\">")?;
        let last = self.points.len().saturating_sub(1);
        for place in [0, last / 2, last] {
            if let Some(point) = self.points.get(place) {
                write!(f, "<span>{}</span>", self.label(point))?;
            }
        }
        f.write_str("</p></div>")
    }
}

/// It writes numbers, dates and marks of its own alone.
impl HtmlSafe for Chart {}
