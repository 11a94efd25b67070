#![doc = include_str!("../README.md")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "simulated counts are positive and far below 2^32"
)]

mod calendar;
mod dice;
mod habit;
mod key;
mod life;
mod networks;
mod trouble;

pub use calendar::{FIRST_HOUR, HOURS, WARM_UP};
pub use dice::Dice;
pub use habit::Habit;
pub use key::{Hour, SimulatedKey};
pub use trouble::{KNOWN_AFTER, Trouble, TroubleKind, WORTH};
