-- Uses of many keys, while a process gathers them before it adds them to "keymint_usage". They are read after a crash alone.
-- "uses" is what Keymint writes it for, and no other program should.
create table if not exists "keymint_usage_journal" (
    "journal" text not null,
    "number" integer not null,
    "at" date not null,
    "uses" text not null
);

create unique index if not exists "keymint_usage_journal_uidx" on "keymint_usage_journal" ("journal", "number");
