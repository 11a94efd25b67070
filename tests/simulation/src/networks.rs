use crate::calendar::HOURS;
use crate::dice::Dice;

/// The networks that a key's calls come from.
#[derive(Debug, Clone)]
pub(crate) enum Networks {
    /// Servers: a few networks, which change when the servers move.
    Servers { first: u32, number: u32, moves: Vec<usize> },
    /// Devices of people, which come from anywhere.
    Devices,
}

impl Networks {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        if dice.chance(0.2) {
            return Self::Devices;
        }
        let (first, number) = (dice.index(1 << 20) as u32 * 64, 1 + dice.index(3) as u32);
        let moves = (0..dice.count(0.3)).map(|_| dice.index(HOURS)).collect();
        Self::Servers { first, number, moves }
    }

    /// Returns the network of one call in an hour.
    pub(crate) fn draw(&self, index: usize, dice: &mut Dice) -> u32 {
        match self {
            Self::Servers { first, number, moves } => {
                let moved = moves.iter().filter(|at| index >= **at).count() as u32;
                first + moved * 8 + dice.index(*number as usize) as u32
            }
            Self::Devices => dice.index(1 << 24) as u32,
        }
    }
}
