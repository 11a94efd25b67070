use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WebhookCommand {
    /// Create an endpoint that is told of events from now on; its secret is shown this once.
    Create {
        /// The URL, which begins with https://.
        url: String,
        /// The kinds of events, as a glob such as `keymint.key.*`; may be repeated. All by default.
        #[arg(long, value_name = "GLOB")]
        kind: Vec<String>,
        /// Only events of keys of this owner.
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// Only events of keys of this configuration.
        #[arg(long, value_name = "ID")]
        config_id: Option<String>,
    },
    /// List the endpoints, without their secrets.
    #[command(visible_alias = "ls")]
    List,
    /// Give an endpoint a new secret, which is shown this once. The old one signs beside it for a while.
    RotateSecret {
        /// The endpoint's id.
        id: String,
        /// The time for which both sign, in seconds or as `12h`: 30 days at most.
        #[arg(long, value_name = "DURATION", default_value = "24h", allow_negative_numbers = true)]
        overlap_seconds: String,
    },
    /// Send an event of the kind `keymint.webhook.test` at once. The status is 0 if it is accepted.
    Test {
        /// The endpoint's id.
        id: String,
    },
    /// Stop telling an endpoint of events. They wait for it.
    Pause {
        /// The endpoint's id.
        id: String,
    },
    /// Tell a paused or disabled endpoint of events again, first of those that waited.
    Resume {
        /// The endpoint's id.
        id: String,
    },
    /// Remove an endpoint with its deliveries.
    #[command(visible_alias = "rm")]
    Delete {
        /// The endpoint's id.
        id: String,
    },
    /// List deliveries of an endpoint, the latest events first.
    Deliveries {
        /// The endpoint's id.
        id: String,
        /// Only those in this state: pending, delivered or failed.
        #[arg(long)]
        status: Option<String>,
        /// The position of the last row of the page before.
        #[arg(long, value_name = "POSITION")]
        before: Option<u64>,
        /// Rows to show.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Deliver all events of an endpoint again that happened at an instant or later.
    Replay {
        /// The endpoint's id.
        id: String,
        /// The instant, as in 2026-01-02T03:04:05Z.
        #[arg(long, value_name = "INSTANT")]
        from: String,
    },
}
