//! All that a page has around its content.

use actix_web::{HttpMessage as _, HttpRequest};

use crate::place::Place;
use crate::visitor::Visitor;

/// The parts of the console, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// API keys.
    Keys,
    /// The owners of keys.
    Owners,
    /// The health of keys.
    Health,
    /// The log of changes.
    Audit,
    /// Endpoints that are told of events.
    Webhooks,
    /// The keys of servers.
    ServerKeys,
    /// The users who sign in.
    Users,
    /// The settings of the server.
    Settings,
    /// Nothing in the navigation.
    None,
}

/// A part of the navigation.
pub(crate) struct Entry {
    pub(crate) section: Section,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    /// The text of the way to it from a page that failed.
    pub(crate) way: &'static str,
    /// True if operators alone see it.
    pub(crate) for_operators: bool,
}

const KEYS: Entry = Entry::new(Section::Keys, "/console/keys", "Keys", "Go to your keys");
const ACCOUNT: Entry = Entry::new(Section::None, "/console/account", "Your account", "Go to your account");

/// The navigation: a new part is a line here.
const NAVIGATION: &[Entry] = &[
    KEYS,
    Entry::new(Section::Owners, "/console/owners", "Owners", "Go to the owners").for_operators(),
    Entry::new(Section::Health, "/console/health", "Health", "Go to the findings"),
    Entry::new(Section::Audit, "/console/audit", "Audit", "Go to the log").for_operators(),
    Entry::new(Section::Webhooks, "/console/webhooks", "Webhooks", "Go to the webhooks").for_operators(),
    Entry::new(Section::ServerKeys, "/console/server-keys", "Server keys", "Go to the server keys").for_operators(),
    Entry::new(Section::Users, "/console/users", "Users", "Go to the users").for_operators(),
    Entry::new(Section::Settings, "/console/settings", "Settings", "Go to the settings").for_operators(),
];

impl Entry {
    const fn new(section: Section, path: &'static str, text: &'static str, way: &'static str) -> Self {
        Self { section, path, text, way, for_operators: false }
    }

    const fn for_operators(self) -> Self {
        Self { for_operators: true, ..self }
    }

    fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Returns the part of the console that a path belongs to, if the visitor sees it, and else the keys.
pub(crate) fn entry_of(path: &str, is_operator: bool) -> &'static Entry {
    let is_seen = |entry: &&Entry| entry.has(path) && (is_operator || !entry.for_operators);
    NAVIGATION.iter().chain([&ACCOUNT]).find(is_seen).unwrap_or(&KEYS)
}

/// All that a page has around its content.
pub(crate) struct Layout {
    /// The title of the page, for the tab and its heading.
    pub(crate) title: String,
    /// The part of the console that the page belongs to.
    pub(crate) section: Section,
    /// The person who is signed in; `None` = nobody, or it is not known.
    pub(crate) known: Option<Known>,
    /// The sentence that tells what the last form has done; empty = nothing.
    pub(crate) done: &'static str,
    /// The place at which the page is shown.
    pub(crate) place: Place,
}

/// The person who is signed in, as every page names them.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) is_operator: bool,
}

impl Known {
    /// Returns the person of a request, if it was found before.
    pub(crate) fn of(http: &HttpRequest) -> Option<Self> {
        http.extensions().get::<Self>().cloned()
    }

    /// Returns the person that a visitor is; `None` = a guest, who has no name.
    pub(crate) fn of_visitor(visitor: &Visitor) -> Option<Self> {
        let user = &visitor.signed_in.as_ref()?.user;
        Some(Self { name: user.name.clone(), email: user.email.clone(), is_operator: visitor.is_operator })
    }

    /// Returns a layout for this person.
    pub(crate) fn layout(self, title: impl Into<String>) -> Layout {
        Layout { known: Some(self), ..Layout::bare(title) }
    }
}

impl Layout {
    /// Returns a layout without a visitor.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::None, known: None, done: "", place: Place::Console }
    }

    /// Returns the layout of a page for a visitor.
    pub(crate) fn of(visitor: &Visitor, section: Section, title: impl Into<String>) -> Self {
        let known = Known::of_visitor(visitor);
        Self { section, known, place: visitor.place.clone(), ..Self::bare(title) }
    }

    /// Adds the sentence that tells what the last form has done.
    pub(crate) fn with_done(self, done: &'static str) -> Self {
        Self { done, ..self }
    }

    /// Shows the page at another place.
    pub(crate) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// Returns the name behind the title of the tab.
    pub(crate) fn suffix(&self) -> &str {
        self.place.look().map_or("Keymint", |look| &look.name)
    }

    /// Returns true if the page is one of the portal.
    pub(crate) fn is_portal(&self) -> bool {
        self.place.look().is_some()
    }

    /// Returns the path of the list of keys.
    pub(crate) fn keys(&self) -> String {
        self.place.keys()
    }

    /// Returns true if the place offers new keys.
    pub(crate) fn may_create(&self) -> bool {
        self.place.may_create()
    }

    /// Returns the path at which the portal session is ended.
    pub(crate) fn end(&self) -> Option<String> {
        self.place.session().map(|_| format!("{}/end", self.place.home()))
    }

    /// Returns the page that a guest returns to, and its host.
    pub(crate) fn back(&self) -> Option<(&str, &str)> {
        let url = self.place.session()?.return_url.as_ref()?.as_str();
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        Some((url, host.split(['/', '?', '#']).next().unwrap_or(host)))
    }

    /// Returns the parts of the navigation that the visitor sees.
    pub(crate) fn navigation(&self) -> impl Iterator<Item = &'static Entry> {
        let is_operator = self.known.as_ref().is_some_and(|known| known.is_operator);
        NAVIGATION.iter().filter(move |entry| is_operator || !entry.for_operators)
    }

    /// Returns true if the page belongs to a part.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub(crate) fn is_in(&self, section: &Section) -> bool {
        self.section == *section
    }
}
