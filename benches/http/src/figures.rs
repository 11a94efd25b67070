use std::collections::BTreeMap;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{ContentArrangement, Table};
use serde::{Serialize, Serializer};

/// The median of several rounds, and its extremes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Returns the spread of at least one value, none of them NaN.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Self { median, min: values[0], max: values[values.len() - 1] }
    }
}

/// Named figures, with a value for each round. JSON has their spreads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(BTreeMap<&'static str, Vec<f64>>);

impl Figures {
    pub(crate) fn add(&mut self, name: &'static str, value: f64) {
        self.0.entry(name).or_default().push(value);
    }

    /// Adds `figure` of each round divided by `base` of the same round, which may be another's.
    pub(crate) fn add_ratio(&mut self, name: &'static str, figure: &str, others: &Self, base: &str) {
        let (of, to) = (self.0.get(figure), others.0.get(base));
        let ratios = of.into_iter().flatten().zip(to.into_iter().flatten()).map(|(value, base)| value / base).collect();
        self.0.insert(name, ratios);
    }

    pub(crate) fn spread(&self, name: &str) -> Option<Spread> {
        let values = self.0.get(name)?;
        (!values.is_empty()).then(|| Spread::of(values.iter().copied()))
    }

    pub(crate) fn median(&self, name: &str) -> f64 {
        self.spread(name).map_or(f64::NAN, |spread| spread.median)
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.keys().map(|name| (name, self.spread(name))))
    }
}

/// A column of a table: its heading, its figure, the unit that it is shown in, and the number of digits.
pub(crate) type Column = (&'static str, &'static str, f64, usize);

/// Formats a table of named rows in Markdown. A cell has the median, and the extremes in brackets if they differ.
pub(crate) fn table<'a>(columns: &[Column], rows: impl IntoIterator<Item = (String, &'a Figures)>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(std::iter::once("").chain(columns.iter().map(|(heading, ..)| *heading)));
    for (name, figures) in rows {
        let cells = columns.iter().map(|(_, figure, unit, digits)| {
            let shown = |value: f64| format!("{:.digits$}", value / unit);
            let spread = figures.spread(figure);
            let cell = |of: Spread| match (shown(of.median), shown(of.min), shown(of.max)) {
                (median, min, max) if min == max => median,
                (median, min, max) => format!("{median} ({min} to {max})"),
            };
            spread.map(cell).unwrap_or_default()
        });
        table.add_row(std::iter::once(name).chain(cells));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(Spread::of([7.0]), Spread { median: 7.0, min: 7.0, max: 7.0 });
    }

    #[test]
    fn ratios_are_taken_round_by_round_and_a_table_has_their_median_and_extremes() {
        let (mut ours, mut bare) = (Figures::default(), Figures::default());
        for (our, other) in [(100.0, 200.0), (200.0, 800.0), (300.0, 400.0)] {
            ours.add("rate", our);
            bare.add("rate", other);
        }
        ours.add_ratio("ratio", "rate", &bare, "rate");
        let shown = table(&[("ratio", "ratio", 1.0, 2), ("none", "none", 1.0, 0)], [("sqlite".to_owned(), &ours)]);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "|        | ratio               | none |");
        assert_eq!(lines[2], "| sqlite | 0.50 (0.25 to 0.75) |      |");
        ours.add("once", 1.0);
        let shown = table(&[("once", "once", 1.0, 1)], [(String::new(), &ours)]);
        assert_eq!(shown.lines().last().unwrap(), "|   | 1.0  |");
    }
}
