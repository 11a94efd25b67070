//! The place at which pages are shown: the console itself, or a portal session.

use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use keymint_domain::portal::{PortalRight, PortalSession};

use crate::answer::HEADERS;
use crate::assets::Asset;
use crate::brand::{Brand, FrameAncestor};

/// The path of a portal session's pages, before its id.
pub(crate) const SESSIONS: &str = "/console/portal/s/";

/// The place at which pages are shown.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// The console, for people who sign in.
    Console,
    /// The portal, in the look of the team whose guests see it. `None` = the session is not known, or not open yet.
    Portal(Arc<Look>, Option<Arc<PortalSession>>),
}

/// The look of portal pages, with the files of it.
#[derive(Debug)]
pub(crate) struct Look {
    /// The name of the team or its product.
    pub(crate) name: String,
    /// The logo.
    pub(crate) logo: Option<Asset>,
    /// The style sheet that follows that of the console.
    pub(crate) style: Option<Asset>,
    ancestors: Vec<FrameAncestor>,
}

/// The changes of a key that a page offers. The use cases decide; here is only what is not shown in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each shows a button")]
pub(crate) struct May {
    pub(crate) rotate: bool,
    pub(crate) revoke: bool,
    pub(crate) edit: bool,
    pub(crate) delete: bool,
}

impl Look {
    pub(crate) fn new(brand: Brand, ancestors: Vec<FrameAncestor>) -> Self {
        let Brand { name, logo, accent } = brand;
        let name = if name.trim().is_empty() { "Keymint".to_owned() } else { name };
        let style =
            accent.map(|accent| Asset::new("brand", "css", "text/css; charset=utf-8", accent.style().into_bytes()));
        let logo = logo.map(|logo| Asset::new("logo", logo.extension, logo.media_type, logo.content));
        Self { name, logo, style, ancestors }
    }

    /// Returns the files of the look.
    pub(crate) fn assets(&self) -> impl Iterator<Item = &Asset> {
        self.logo.iter().chain(&self.style)
    }

    /// Returns true if some pages may show the portal in a frame.
    pub(crate) fn is_framed(&self) -> bool {
        !self.ancestors.is_empty()
    }

    /// Returns the headers of portal pages: those of the console, but for the frames that are allowed.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let ancestors: String =
            self.ancestors.iter().flat_map(|ancestor| [" ".to_owned(), ancestor.to_string()]).collect();
        let opened = |(name, value): &(&'static str, &'static str)| {
            let value = match *name {
                "x-frame-options" if self.is_framed() => return None,
                "content-security-policy" if self.is_framed() => {
                    value.replace("frame-ancestors 'none'", &format!("frame-ancestors 'self'{ancestors}"))
                }
                _ => (*value).to_owned(),
            };
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        };
        HEADERS.iter().filter_map(opened).collect()
    }
}

impl Place {
    /// Returns the place of a request, as far as it was found.
    pub(crate) fn of(http: &HttpRequest) -> Self {
        http.extensions().get::<Self>().cloned().unwrap_or(Self::Console)
    }

    /// Returns the look of the portal; `None` = it is the console.
    pub(crate) fn look(&self) -> Option<&Look> {
        match self {
            Self::Console => None,
            Self::Portal(look, _) => Some(look),
        }
    }

    /// Returns the portal session.
    pub(crate) fn session(&self) -> Option<&PortalSession> {
        match self {
            Self::Console => None,
            Self::Portal(_, session) => session.as_deref(),
        }
    }

    /// Returns the path of the pages of this place, without a slash at its end.
    pub(crate) fn home(&self) -> String {
        match self.session() {
            Some(session) => format!("{SESSIONS}{}", session.id.as_str()),
            None => "/console".to_owned(),
        }
    }

    /// Returns the path of the list of keys.
    pub(crate) fn keys(&self) -> String {
        format!("{}/keys", self.home())
    }

    /// Returns true if the place offers new keys.
    pub(crate) fn may_create(&self) -> bool {
        match self {
            Self::Console => true,
            Self::Portal(_, session) => session.as_ref().is_some_and(|session| session.may.allow(PortalRight::Create)),
        }
    }
}
