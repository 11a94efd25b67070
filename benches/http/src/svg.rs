use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a plot is of.
#[derive(Debug)]
pub(crate) struct Axes {
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;
/// Told apart by those who see no red or no green, too.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#7f7f7f"];

/// Lines by their names, over a logarithmic axis; the other one begins at 0.
pub(crate) fn draw(axes: &Axes, lines: &BTreeMap<String, BTreeMap<u32, f64>>) -> String {
    let points = || lines.values().flatten();
    let ticks: std::collections::BTreeSet<u32> = points().map(|(x, _)| *x).collect();
    let low = ticks.first().map_or(0.0, |x| f64::from(*x).log2());
    let high = ticks.last().map_or(1.0, |x| f64::from(*x).log2()).max(low + 1.0);
    let step = step(points().map(|(_, y)| *y).fold(1.0, f64::max));
    let top = step * 5.0;
    let x = |value: u32| LEFT + (WIDTH - LEFT - RIGHT) * (f64::from(value).log2() - low) / (high - low);
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;

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
    for number in 0..=5 {
        let value = step * f64::from(number);
        let (at, right) = (y(value), WIDTH - RIGHT);
        let _ = writeln!(svg, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#ddd"/>"##);
        svg += &text(LEFT - 8.0, at + 4.0, "end", &format!("{value:.0}"));
    }
    for tick in ticks {
        svg += &text(x(tick), HEIGHT - BOTTOM + 20.0, "middle", &tick.to_string());
    }
    // The names stand at the lines' ends, moved apart where these are close.
    let mut ends: Vec<_> = lines.iter().zip(COLOURS.iter().cycle()).collect();
    let last = |line: &BTreeMap<u32, f64>| line.last_key_value().map_or(0.0, |(_, value)| *value);
    ends.sort_by(|((_, a), _), ((_, b), _)| last(b).total_cmp(&last(a)));
    let mut free = TOP;
    for ((name, line), colour) in ends {
        let path: Vec<String> = line.iter().map(|(at, value)| format!("{:.1} {:.1}", x(*at), y(*value))).collect();
        let _ = writeln!(svg, r#"<path d="M{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, path.join("L"));
        for (at, value) in line {
            let _ = writeln!(svg, r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#, x(*at), y(*value));
        }
        let at = (y(last(line)) + 4.0).max(free);
        free = at + 16.0;
        let left = WIDTH - RIGHT + 12.0;
        let _ = writeln!(svg, r#"<text x="{left}" y="{at:.1}" fill="{colour}">{name}</text>"#);
    }
    svg + "</svg>\n"
}

/// The smallest round number of which five reach `most`.
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
    fn every_line_is_drawn_under_its_name() {
        let line = |rate: f64| BTreeMap::from([(1, rate), (512, rate * 2.0)]);
        let lines = BTreeMap::from([("bare".to_owned(), line(100.0)), ("sqlite".to_owned(), line(10.0))]);
        let svg = draw(&Axes { title: "1000 keys".to_owned(), x: "connections", y: "a second" }, &lines);
        assert_eq!(svg.matches("stroke-width").count(), 2);
        assert!(svg.contains(">bare</text>") && svg.contains(">sqlite</text>"), "{svg}");
    }
}
