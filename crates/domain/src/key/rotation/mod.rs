//! The rotation of a key's secret. The key gets a new secret, and its clients change over while both are valid.

mod change;
mod state;
mod steps;
mod stored;

pub use change::{NewSecret, Replaces, Rotated, RotationChange, RotationEnd, RotationRefused, RotationTurn};
pub use state::{FormerSecret, PendingSecret, Rotation, RotationStage, SecretRole, Wait};
pub use stored::InvalidRotation;
