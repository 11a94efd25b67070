-- Uses of many keys, while a process gathers them before it adds them to "keymint_usage". They are read after a crash alone.
-- "uses" is what Keymint writes it for, and no other program should.
create table if not exists "keymint_usage_journal" (
    "journal" text not null,
    "number" bigint not null,
    "at" timestamptz not null,
    "uses" text not null,
    primary key ("journal", "number")
);

-- Compressing what is soon removed would cost more than writing it.
alter table "keymint_usage_journal" alter column "uses" set storage external;
