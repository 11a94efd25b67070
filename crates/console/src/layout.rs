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
    /// True if operators alone see it.
    pub(crate) for_operators: bool,
}

/// The navigation: a new part is a line here.
const NAVIGATION: &[Entry] = &[
    Entry { section: Section::Keys, path: "/console/keys", text: "Keys", for_operators: false },
    Entry { section: Section::Owners, path: "/console/owners", text: "Owners", for_operators: true },
    Entry { section: Section::Health, path: "/console/health", text: "Health", for_operators: false },
    Entry { section: Section::Audit, path: "/console/audit", text: "Audit", for_operators: true },
    Entry { section: Section::Webhooks, path: "/console/webhooks", text: "Webhooks", for_operators: true },
    Entry { section: Section::ServerKeys, path: "/console/server-keys", text: "Server keys", for_operators: true },
    Entry { section: Section::Users, path: "/console/users", text: "Users", for_operators: true },
    Entry { section: Section::Settings, path: "/console/settings", text: "Settings", for_operators: true },
];

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
