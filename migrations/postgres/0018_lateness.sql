-- The disorder of sealed events in time: the latest instant, and the most by which an event's instant lies before that of an
-- event at an earlier position. With it, a range of instants is a range of positions.
alter table "keymint_event_chain" add column if not exists "latest_at" bigint;
alter table "keymint_event_chain" add column if not exists "most_late_ms" bigint not null default 0;

update "keymint_event_chain" set ("latest_at", "most_late_ms") = (
    select max("at"), coalesce(max("latest" - "at"), 0) from (
        select "at", max("at") over (order by "position") as "latest"
        from "keymint_event" where "position" is not null
    ) as "sealed"
);
