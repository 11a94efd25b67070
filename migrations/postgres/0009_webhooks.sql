-- Endpoints that are told of events. The secrets are texts, because they sign: whoever reads them can sign, too.
-- `position` is that of the last event that was taken; `fence` grows whenever another process takes the lease over.
create table if not exists "keymint_webhook" (
    "id" text not null primary key,
    "url" text not null,
    "kinds" text not null,
    "owner" text,
    "configId" text,
    "state" text not null,
    "stateSince" timestamptz not null,
    "secret" text not null,
    "oldSecret" text,
    "oldSecretEndsAt" timestamptz,
    "position" bigint not null,
    "failures" bigint not null,
    "acceptedAt" timestamptz,
    "restsUntil" timestamptz,
    "leasedTo" text,
    "leasedUntil" timestamptz,
    "fence" bigint not null,
    "createdAt" timestamptz not null
);

-- Deliveries, one of each event to each endpoint that wants it. A pending one without `nextAt` waits for an earlier one
-- of its key.
create table if not exists "keymint_webhook_delivery" (
    "webhookId" text not null,
    "position" bigint not null,
    "eventId" text not null,
    "kind" text not null,
    "eventAt" timestamptz not null,
    "keyId" text,
    "status" text not null,
    "attempts" bigint not null,
    "firstAt" timestamptz,
    "lastAt" timestamptz,
    "nextAt" timestamptz,
    "answer" text,
    primary key ("webhookId", "position")
);

create index if not exists "keymint_webhook_delivery_due_idx" on "keymint_webhook_delivery" ("webhookId", "nextAt")
    where "status" = 'pending';
create index if not exists "keymint_webhook_delivery_key_idx" on "keymint_webhook_delivery"
    ("webhookId", "keyId", "position") where "status" = 'pending';
create index if not exists "keymint_webhook_delivery_done_idx" on "keymint_webhook_delivery" ("lastAt")
    where "status" <> 'pending';
