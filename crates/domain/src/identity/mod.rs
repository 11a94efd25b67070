//! Who signs in: users, their credentials and their sessions, as Better Auth's e-mail and password has them.

mod email;
mod password;
mod session;
mod sign_up;
mod user;

pub use email::{Email, InvalidEmail};
pub use password::{Password, PasswordHash};
pub use session::{Client, Session, SessionLifetime, SessionToken};
pub use sign_up::{NewUser, SignUp};
pub use user::User;
