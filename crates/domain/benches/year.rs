//! Judges the detector of anomalies on whole simulated years: 1,000 keys of each seed from 301 to 305.
//!
//! `just simulate 7 8` judges the seeds 7 and 8. Tuning used the seeds 1 to 4.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "benchmark support")]

#[path = "../tests/judgement/mod.rs"]
mod judgement;

use judgement::Judgement;

fn main() {
    let seeds: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let seeds = if seeds.is_empty() { (301..=305).collect() } else { seeds };
    for seed in seeds {
        let mut judgement = Judgement::default();
        judgement::ordinary_years(seed, 0..1_000, &mut judgement);
        judgement::incidents(seed, 0..1_000, &mut judgement);
        println!("seed {seed}: {judgement}");
    }
}
