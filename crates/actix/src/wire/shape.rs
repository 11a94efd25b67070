//! The shapes of requests for the OpenAPI document: what [`super::read`] reads, member by member in the same order.

use keymint_domain::Policy;
use keymint_domain::listing::{ListQuery, SortField};
use utoipa::openapi::schema::ObjectBuilder;

use crate::openapi::schema::{
    MAX_SAFE_INTEGER, Member, address, boolean, choice, coerced_id, coerced_id_or_empty, count, id, id_or_empty,
    integer, lifetime, metadata, name, networks, new_metadata, nullable, object, optional, permissions, prefix,
    required, text, together,
};

/// What `read_create` reads.
pub(crate) fn create(policy: &Policy) -> ObjectBuilder {
    let members = vec![
        optional("configId", id_or_empty(), "The configuration; `default` where absent, empty or unknown."),
        optional("name", name(policy, true), "For people."),
        optional("expiresIn", lifetime(policy), "Seconds that it lives; null is as long as the configuration says."),
        optional("prefix", prefix(policy), "What the key begins with."),
        optional("remaining", nullable(count(0)), "Uses that the quota allows; null is no quota. A server's."),
        optional("metadata", new_metadata(), "What to attach to it, where `enable_metadata` is on."),
        optional("refillAmount", count(1), "Uses after a refill of the quota. A server's."),
        optional("refillInterval", count(1), "Milliseconds between refills. A server's."),
        optional("rateLimitTimeWindow", count(1), "Milliseconds of the rate limit's window. A server's."),
        optional("rateLimitMax", count(1), "Uses per window. A server's."),
        optional("rateLimitEnabled", boolean(), "Whether it is rate limited. A server's."),
        optional(
            "permissions",
            permissions(),
            "Actions by resource, or a list of actions of every resource. A server's.",
        ),
        optional("allowedAddresses", networks(), "From where alone it may be used; null is everywhere. A server's."),
        optional("deniedAddresses", networks(), "From where it may not be used; null is nowhere. A server's."),
        optional("userId", coerced_id(), "Whose key it is. A server must say so; a user's own are their own."),
        optional(
            "organizationId",
            coerced_id_or_empty(),
            "Whose key it is, where the configuration's belong to organizations.",
        ),
    ];
    together(object(members), ["refillAmount", "refillInterval"])
}

/// What `read_update` reads.
pub(crate) fn update(policy: &Policy) -> ObjectBuilder {
    let members = vec![
        optional("configId", id_or_empty(), "The configuration that the key must be of."),
        required("keyId", id(), "The key."),
        optional("userId", coerced_id(), "The owner that the key must belong to; a user may name themselves only."),
        optional("name", name(policy, false), "For people."),
        optional("enabled", boolean(), "Whether it may be used."),
        optional("remaining", count(1), "Uses that the quota allows. A server's."),
        optional("refillAmount", count(1), "Uses after a refill of the quota. A server's."),
        optional("refillInterval", count(1), "Milliseconds between refills. A server's."),
        optional("metadata", metadata(), "What to attach to it; null is none. Ignored where `enable_metadata` is off."),
        optional("expiresIn", lifetime(policy), "Seconds that it lives from now on; null is for ever."),
        optional("rateLimitEnabled", boolean(), "Whether it is rate limited. A server's."),
        optional("rateLimitTimeWindow", count(1), "Milliseconds of the rate limit's window. A server's."),
        optional("rateLimitMax", count(1), "Uses per window. A server's."),
        optional("permissions", nullable(permissions()), "As in a new key; null is none. A server's."),
        optional("allowedAddresses", networks(), "From where alone it may be used; null is everywhere. A server's."),
        optional("deniedAddresses", networks(), "From where it may not be used; null is nowhere. A server's."),
    ];
    together(object(members), ["refillAmount", "refillInterval"])
}

/// What `read_verify` reads.
pub(crate) fn verify() -> ObjectBuilder {
    let dry_run = "Whether to say what every rule says, and to count nothing. A server's.";
    let members = usage("key").into_iter().chain([optional("dryRun", boolean(), dry_run)]);
    object(members.collect())
}

/// What `read_validate` reads.
pub(crate) fn validate() -> ObjectBuilder {
    object(usage("apiKey"))
}

/// What `read_use` reads.
fn usage(key: &'static str) -> Vec<Member> {
    let cost = integer(0, u32::MAX.into());
    vec![
        optional("configId", id_or_empty(), "The configuration that the key must be of; `default` where empty."),
        required(key, text(), "The key's text."),
        optional(
            "permissions",
            permissions(),
            "What the key must grant: every action, of every resource in a bare list.",
        ),
        optional("cost", cost, "What the use takes from quota and rate limit: 1 where absent, 0 looks without paying."),
        optional("clientIp", address(), "From where the key is used, with or without a port. A server's."),
    ]
}

/// What `read_config_id` and `read_id` read.
pub(crate) fn key(member: &'static str) -> Vec<Member> {
    vec![
        optional("configId", id_or_empty(), "The configuration that the key must be of; `default` where empty."),
        required(member, id(), "The key."),
    ]
}

/// What `read_list` reads.
pub(crate) fn list() -> Vec<Member> {
    let limit = integer(0, ListQuery::MAX_LIMIT.into());
    vec![
        optional("configId", id_or_empty(), "Keys of this configuration only."),
        optional("organizationId", id_or_empty(), "Keys of this organization; of nobody where empty."),
        optional("limit", limit, "Keys on the page; 100 where absent."),
        optional("offset", integer(0, MAX_SAFE_INTEGER), "Keys to skip."),
        optional("sortBy", choice(SortField::ALL.iter().map(|field| field.as_str())), "`createdAt` where absent."),
        optional("sortDirection", choice(["asc", "desc"]), "`asc` where absent."),
        optional("userId", id(), "Keys of this user; a user may name themselves only."),
    ]
}
