use super::{EndpointHealth, KindFilter, WebhookEvent, WebhookSecrets, WebhookUrl};
use crate::{ConfigId, OwnerId, RowId, Timestamp};

/// The id of an endpoint.
pub type WebhookId = RowId;

/// The state of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookState {
    /// It is told of events.
    Active,
    /// It is told of nothing until somebody resumes it; its events wait.
    Paused,
    /// It answered 410, and is told of nothing until somebody resumes it.
    Disabled,
}

impl WebhookState {
    /// Returns the word of the store, the wire and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Disabled].into_iter().find(|state| state.as_str() == text)
    }
}

/// An endpoint: a URL that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The id. It is not a secret.
    pub id: WebhookId,
    /// The URL.
    pub url: WebhookUrl,
    /// The kinds of events that it is told of.
    pub kinds: KindFilter,
    /// Only events of keys of this owner, if there is one.
    pub owner: Option<OwnerId>,
    /// Only events of keys of this configuration, if there is one.
    pub config_id: Option<ConfigId>,
    /// The state.
    pub state: WebhookState,
    /// The instant since which it has the state.
    pub state_since: Timestamp,
    /// The secrets that sign its deliveries.
    pub secrets: WebhookSecrets,
    /// The position up to which its events were taken: each was delivered, or is kept as a delivery.
    pub position: u64,
    /// The recent conduct.
    pub health: EndpointHealth,
    /// The instant at which it was made.
    pub created_at: Timestamp,
}

impl Webhook {
    /// Returns true if the endpoint is to be told of an event.
    pub fn wants(&self, event: &WebhookEvent) -> bool {
        self.kinds.matches(&event.kind)
            && self.owner.as_ref().is_none_or(|owner| event.owner.as_ref() == Some(owner))
            && self.config_id.as_ref().is_none_or(|config_id| event.config_id.as_ref() == Some(config_id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::webhook::WebhookSecret;

    fn event(owner: Option<&str>, config_id: Option<&str>) -> WebhookEvent {
        WebhookEvent {
            position: 1,
            id: "e".into(),
            kind: "keymint.key.created".into(),
            at: Timestamp::MIN,
            key_id: None,
            owner: owner.map(|id| OwnerId::parse(id).unwrap()),
            config_id: config_id.map(|id| ConfigId::parse(id).unwrap()),
            actor: "keymint".into(),
            request_id: None,
            data: Map::new(),
        }
    }

    #[test]
    fn every_filter_must_let_an_event_pass() {
        let everything = Webhook {
            id: WebhookId::parse("w").unwrap(),
            url: WebhookUrl::from_stored("https://example.com/").unwrap(),
            kinds: KindFilter::any(),
            owner: None,
            config_id: None,
            state: WebhookState::Active,
            state_since: Timestamp::MIN,
            secrets: WebhookSecrets::new(WebhookSecret::generate(&mut |_: &mut [u8]| ())),
            position: 0,
            health: EndpointHealth::default(),
            created_at: Timestamp::MIN,
        };
        assert!(everything.wants(&event(None, None)));
        let of_ada = Webhook { owner: Some(OwnerId::parse("ada").unwrap()), ..everything.clone() };
        assert!(of_ada.wants(&event(Some("ada"), None)));
        assert!(!of_ada.wants(&event(Some("bob"), None)) && !of_ada.wants(&event(None, None)));
        let of_live = Webhook { config_id: Some(ConfigId::parse("live").unwrap()), ..everything.clone() };
        assert!(of_live.wants(&event(Some("ada"), Some("live"))));
        assert!(!of_live.wants(&event(Some("ada"), None)));
        let of_others = Webhook { kinds: KindFilter::parse(&["keymint.user.*"]).unwrap(), ..everything };
        assert!(!of_others.wants(&event(None, None)));
    }
}
