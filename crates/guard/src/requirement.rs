use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Permissions};

/// The properties that a route requires of a key, and what a request costs.
#[derive(Debug, Clone, Default)]
pub struct Requirement {
    pub(crate) config_id: Option<ConfigId>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) cost: Cost,
    pub(crate) fails_open: bool,
    pub(crate) passes_preflights: bool,
}

impl Requirement {
    /// Requires any valid key, at cost 1.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requires a valid key that grants all of these actions, as `&[("files", &["read"])]`, at cost 1. No key grants an
    /// empty list.
    pub fn permissions(asked: &[(&str, &[&str])]) -> Self {
        Self { permissions: Some(Permissions::of(asked)), ..Self::default() }
    }

    /// Requires a key of this configuration.
    #[must_use]
    pub fn configuration(self, config_id: ConfigId) -> Self {
        Self { config_id: Some(config_id), ..self }
    }

    /// Sets the cost of a request to quota and rate limit; 0 = a look, without a charge.
    #[must_use]
    pub fn cost(self, cost: u32) -> Self {
        Self { cost: Cost(cost), ..self }
    }

    /// Admits requests with any key while keys cannot be verified. Handlers then take an [`Admission`](crate::Admission).
    /// A handler that takes a verified key still refuses such requests.
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self { fails_open: true, ..self }
    }

    /// Lets a browser's preflight through without a key, which it never carries: `OPTIONS` with `Origin` and
    /// `Access-Control-Request-Method`. The route behind the guard must answer it.
    #[must_use]
    pub fn pass_preflights(self) -> Self {
        Self { passes_preflights: true, ..self }
    }

    /// Returns true for a request that needs no key.
    pub fn passes_unseen(&self, method: &str, headers: &impl crate::Headers) -> bool {
        self.passes_preflights && crate::is_preflight(method, headers)
    }
}
