//! Keymint's console: pages on which people see, make, rotate and revoke API keys.
//!
//! | module | holds |
//! |---|---|
//! | `pages` | one folder a page, with its handlers, its form and its template; `pages/mod.rs` has the table of all pages |
//! | `ask` | the request for a page: its visitor, its query and its form |
//! | `answer` | answers, and the pages that tell of failures |
//! | `place` | the place at which pages are shown: the console, or a portal session in a team's look |
//! | `brand` | that look |
//! | `visitor` | the person who looks at a page, and the caller that they are to the use cases |
//! | `form` | forms: problems beside their fields, and the seals by which a stale form and a second submit are noticed |
//! | `layout` | what every page has around its content |
//! | `show` | instants, numbers, badges and charts |
//! | `settings` | what the app tells of the server, for the page of settings |
//! | `assets` | the style sheet and the scripts, each with its hash in its name |
//!
//! [`pages`] returns them all, for [`ServeOptions`](keymint_actix::ServeOptions).

mod answer;
mod ask;
mod assets;
mod brand;
mod form;
mod layout;
mod pages;
mod place;
mod settings;
mod show;
mod visitor;

use std::sync::Arc;

use keymint_actix::pages::Pages;

use form::Seals;
use place::Look;

pub use brand::{Accent, Brand, FrameAncestor, InvalidAccent, InvalidFrameAncestor, InvalidLogo, Logo};

pub use settings::{ServerSettings, Settings};

/// The options of the console.
#[derive(Clone)]
pub struct ConsoleOptions {
    /// The address of the server as people and programs reach it, without a slash at its end.
    pub base_url: String,
    /// The key that seals forms. It must be secret, and the same in all processes on a database.
    pub form_key: [u8; 32],
    /// The settings that the page of settings shows.
    pub settings: Settings,
    /// The look of the portal.
    pub brand: Brand,
    /// The origins whose pages may show the portal in a frame.
    pub frame_ancestors: Vec<FrameAncestor>,
}

impl std::fmt::Debug for ConsoleOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleOptions").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The parts of the console that all pages share.
#[derive(Debug)]
struct Console {
    base_url: String,
    seals: Seals,
    settings: Settings,
    look: Arc<Look>,
}

/// Returns the pages of the console.
pub fn pages(options: ConsoleOptions) -> Pages {
    let ConsoleOptions { base_url, form_key, settings, brand, frame_ancestors } = options;
    let look = Arc::new(Look::new(brand, frame_ancestors));
    let console = Arc::new(Console { base_url, seals: Seals::new(form_key), settings, look });
    Pages::below("/console", move || pages::all(&console), answer::unseen).with_headers(answer::HEADERS)
}
