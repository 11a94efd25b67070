use std::num::NonZeroU32;

use crate::value::DAY_MS;

/// The notices that a configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// The numbers of days before a key's expiry at which there is a notice.
    pub expiring_days: Vec<u32>,
    /// The days without a use after which there is a notice; `None` = never.
    pub idle_days: Option<NonZeroU32>,
    /// The days after which a key's secret is due for rotation; `None` = never.
    pub rotation_days: Option<NonZeroU32>,
}

impl Notices {
    /// Returns the age at which a secret is due for rotation, in milliseconds; `None` = never.
    pub fn rotation_due_ms(&self) -> Option<u64> {
        self.rotation_days.map(|days| u64::from(days.get()) * DAY_MS)
    }
}

impl Default for Notices {
    /// Returns notices 30, 10 and 1 days before the expiry and after 90 days without a use, and no rotation.
    fn default() -> Self {
        Self { expiring_days: vec![30, 10, 1], idle_days: NonZeroU32::new(90), rotation_days: None }
    }
}
