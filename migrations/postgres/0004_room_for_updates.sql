-- Every verification writes its key's row anew. With room for that on the row's own page, Postgres need not touch any
-- index (a "heap-only" update: nothing that a verification changes is indexed), and the room is used again at once.
-- This holds for pages that are written from now on; `vacuum full` or `cluster` applies it to a table that is full.
alter table "apikey" set (fillfactor = 75);
