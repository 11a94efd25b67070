//! Users, their credentials and their sessions, as in Better Auth's e-mail and password sign-in.

mod account;
mod email;
mod operator;
mod password;
mod session;
mod sign_up;
mod user;

pub use account::EditUser;
pub use email::{Email, InvalidEmail};
pub use operator::Operators;
pub use password::{Password, PasswordHash};
pub use session::{Client, Session, SessionLifetime, SessionToken};
pub use sign_up::{NewUser, SignUp};
pub use user::{User, erased_email};
