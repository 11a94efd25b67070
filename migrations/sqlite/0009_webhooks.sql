-- Endpoints that are told of events. The secrets are texts, because they sign: whoever reads them can sign, too.
-- `position` is that of the last event that was taken; `fence` grows whenever another process takes the lease over.
create table if not exists "keymint_webhook" (
    "id" text not null primary key,
    "url" text not null,
    "kinds" text not null,
    "owner" text,
    "configId" text,
    "state" text not null,
    "stateSince" date not null,
    "secret" text not null,
    "oldSecret" text,
    "oldSecretEndsAt" date,
    "position" integer not null,
    "failures" integer not null,
    "acceptedAt" date,
    "restsUntil" date,
    "leasedTo" text,
    "leasedUntil" date,
    "fence" integer not null,
    "createdAt" date not null
);

-- Deliveries, one of each event to each endpoint that wants it. A pending one without `nextAt` waits for an earlier one
-- of its key.
create table if not exists "keymint_webhook_delivery" (
    "webhookId" text not null,
    "position" integer not null,
    "eventId" text not null,
    "kind" text not null,
    "eventAt" date not null,
    "keyId" text,
    "status" text not null,
    "attempts" integer not null,
    "firstAt" date,
    "lastAt" date,
    "nextAt" date,
    "answer" text,
    primary key ("webhookId", "position")
);

create index if not exists "keymint_webhook_delivery_due_idx" on "keymint_webhook_delivery" ("webhookId", "nextAt")
    where "status" = 'pending';
create index if not exists "keymint_webhook_delivery_key_idx" on "keymint_webhook_delivery"
    ("webhookId", "keyId", "position") where "status" = 'pending';
create index if not exists "keymint_webhook_delivery_done_idx" on "keymint_webhook_delivery" ("lastAt")
    where "status" <> 'pending';
