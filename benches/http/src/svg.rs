use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The axes and the title of a plot.
#[derive(Debug)]
pub(crate) struct Axes<'a> {
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) scale: Scale,
    /// All names, of which each has the same colour in every plot.
    pub(crate) names: &'a BTreeSet<String>,
}

/// The vertical scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From 0, in five round steps.
    Linear,
    /// In powers of ten.
    Logarithmic,
}

/// Lines by their names, each by its places.
pub(crate) type Lines = BTreeMap<String, BTreeMap<u32, f64>>;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;
/// The height of a name at a line's end.
const NAME: f64 = 16.0;
/// Colours that are distinct also for people who see no red or no green.
const COLOURS: [&str; 10] =
    ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#882255", "#44aa99"];

/// Draws lines over a logarithmic axis.
pub(crate) fn draw(axes: &Axes<'_>, lines: &Lines) -> String {
    let places: BTreeSet<u32> = lines.values().flatten().map(|(x, _)| *x).collect();
    let low = places.first().map_or(0.0, |x| f64::from(*x).log2());
    let high = places.last().map_or(1.0, |x| f64::from(*x).log2()).max(low + 1.0);
    let x = |value: u32| LEFT + (WIDTH - LEFT - RIGHT) * (f64::from(value).log2() - low) / (high - low);
    let ticks = ticks(axes.scale, lines.values().flatten().map(|(_, y)| *y));
    let up = |value: f64| if axes.scale == Scale::Linear { value } else { value.log10() };
    let (bottom, top) = (up(ticks[0]), up(ticks[ticks.len() - 1]));
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (up(value) - bottom) / (top - bottom);

    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
"#
    );
    let text = |x: f64, y: f64, anchor: &str, said: &str| {
        format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>\n")
    };
    svg += &text(LEFT, TOP - 18.0, "start", &format!("{}, {}", axes.y, axes.title));
    svg += &text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 15.0, "middle", axes.x);
    for value in ticks {
        let (at, right) = (y(value), WIDTH - RIGHT);
        let _ = writeln!(svg, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#ddd"/>"##);
        svg += &text(LEFT - 8.0, at + 4.0, "end", &short(value));
    }
    for place in places {
        svg += &text(x(place), HEIGHT - BOTTOM + 20.0, "middle", &short(place.into()));
    }
    // The names stand at the lines' ends, moved apart if these are close.
    let end = |line: &BTreeMap<u32, f64>| line.last_key_value().map_or(HEIGHT - BOTTOM, |(_, value)| y(*value));
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by(|(_, a), (_, b)| end(a).total_cmp(&end(b)));
    let names_at = apart(sorted.iter().map(|(_, line)| end(line) + 4.0).collect());
    for ((name, line), at) in sorted.into_iter().zip(names_at) {
        let place = axes.names.iter().position(|other| other == name).unwrap_or_default();
        let colour = COLOURS[place % COLOURS.len()];
        let path: Vec<String> = line.iter().map(|(at, value)| format!("{:.1} {:.1}", x(*at), y(*value))).collect();
        let _ = writeln!(svg, r#"<path d="M{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, path.join("L"));
        for (at, value) in line {
            let _ = writeln!(svg, r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#, x(*at), y(*value));
        }
        let left = WIDTH - RIGHT + 12.0;
        let _ = writeln!(svg, r#"<text x="{left}" y="{at:.1}" fill="{colour}">{name}</text>"#);
    }
    svg + "</svg>\n"
}

/// Returns at least two values, the first below all of these and the last above them.
fn ticks(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    match scale {
        Scale::Linear => {
            let step = step(values.fold(1.0, f64::max));
            (0..=5).map(|number| step * f64::from(number)).collect()
        }
        Scale::Logarithmic => {
            let least = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min).log10().floor();
            let most = values.fold(0.0, f64::max).log10().ceil().max(least + 1.0);
            (-9..=9)
                .map(f64::from)
                .filter(|power| (least..=most).contains(power))
                .map(|power| 10_f64.powf(power))
                .collect()
        }
    }
}

/// Moves sorted places apart: down, and up again if there is no room.
fn apart(mut places: Vec<f64>) -> Vec<f64> {
    let mut free = TOP;
    for place in &mut places {
        *place = place.max(free);
        free = *place + NAME;
    }
    let mut free = HEIGHT - BOTTOM + 4.0;
    for place in places.iter_mut().rev() {
        *place = place.min(free);
        free = *place - NAME;
    }
    places
}

/// Formats a number for an axis: 2.5k, 10M.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        1e6.. => (value / 1e6, "M"),
        1e3.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    // Powers of ten below 1 are not exact.
    format!("{}{unit}", (value * 1e6).round() / 1e6)
}

/// Returns the smallest round number of which five reach `most`.
fn step(most: f64) -> f64 {
    let unit = 10_f64.powf((most / 5.0).log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|times| times * unit).into_iter().find(|step| step * 5.0 >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_round_and_five_of_it_reach_the_top() {
        assert!((step(99_911.0) - 20_000.0).abs() < 1e-6);
        assert!((step(110_000.0) - 25_000.0).abs() < 1e-6);
    }

    #[test]
    fn names_keep_their_order_and_stay_above_the_axis() {
        let bottom = HEIGHT - BOTTOM;
        let places = apart(vec![100.0, 101.0, bottom, bottom]);
        assert_eq!(places, [100.0, 116.0, bottom + 4.0 - NAME, bottom + 4.0]);
    }

    #[test]
    fn powers_of_ten_enclose_the_values() {
        let ticks = ticks(Scale::Logarithmic, [0.3, 42.0].into_iter());
        assert_eq!(ticks.into_iter().map(short).collect::<Vec<_>>(), ["0.1", "1", "10", "100"]);
    }

    #[test]
    fn a_number_is_short() {
        assert_eq!([0.0, 512.0, 2500.0, 10_000_000.0].map(short), ["0", "512", "2.5k", "10M"]);
    }

    #[test]
    fn every_line_is_drawn_under_its_name() {
        let line = |rate: f64| BTreeMap::from([(1, rate), (512, rate * 2.0)]);
        let lines = BTreeMap::from([("bare".to_owned(), line(100.0)), ("sqlite".to_owned(), line(10.0))]);
        let names = lines.keys().cloned().collect();
        let (title, scale) = ("1000 keys".to_owned(), Scale::Linear);
        let axes = Axes { title, x: "connections", y: "a second", scale, names: &names };
        let svg = draw(&axes, &lines);
        assert_eq!(svg.matches("stroke-width").count(), 2);
        assert!(svg.contains(">bare</text>") && svg.contains(">sqlite</text>"), "{svg}");
    }
}
