use super::Kind;

/// Names with values, or texts with replacements.
type Texts = &'static [(&'static str, &'static str)];

/// The differences between gateways, as their documents state them.
#[derive(Debug)]
pub(crate) struct Abilities {
    /// The status if Keymint cannot be reached.
    pub(crate) when_down: u16,
    /// The status if Keymint does not answer; `None` = the gateway has no setting for a deadline.
    pub(crate) when_silent: Option<u16>,
    /// The status of a request with more than 100 fields.
    pub(crate) many_fields: u16,
    /// True if successes have the `RateLimit` fields.
    pub(crate) shows_limits: bool,
    /// True if a key may be the user name of Basic authentication.
    pub(crate) takes_basic: bool,
    /// True if `Authorization` beside a key reaches the application unless it holds the key.
    pub(crate) leaves_other_schemes: bool,
    /// The variables of Keymint, and the changes of the configuration, that leave `Authorization: Bearer` to the
    /// application.
    pub(crate) bearer_off: (Texts, Texts),
}

const BEARER_OFF: Texts = &[("=files:read", "=files:read&bearer=off")];

/// A gateway that can do everything.
const ALL: Abilities = Abilities {
    when_down: 503,
    when_silent: Some(503),
    many_fields: 200,
    shows_limits: true,
    takes_basic: true,
    leaves_other_schemes: true,
    bearer_off: (&[], BEARER_OFF),
};

impl Kind {
    pub(crate) fn abilities(self) -> Abilities {
        match self {
            Self::Nginx | Self::Haproxy | Self::Apache => ALL,
            Self::Introspecting => unreachable!("introspection has cases of its own"),
            Self::Caddy => {
                Abilities { when_down: 502, when_silent: Some(504), many_fields: 431, takes_basic: false, ..ALL }
            }
            Self::Traefik => Abilities {
                when_down: 500,
                when_silent: None,
                shows_limits: false,
                takes_basic: false,
                leaves_other_schemes: false,
                bearer_off: (
                    &[],
                    &[
                        ("=files:read", "=files:read&bearer=off"),
                        ("[X-Api-Key, Authorization]", "[X-Api-Key]"),
                        ("          Authorization: \"\"\n", ""),
                    ],
                ),
                ..ALL
            },
            Self::Envoy => {
                Abilities { takes_basic: false, bearer_off: (&[("KEYMINT__AUTHORIZE__BEARER", "false")], &[]), ..ALL }
            }
        }
    }
}
