-- A role may end its holders' sessions sooner than the settings do; in seconds, null: it does not.
alter table roles add column idle_timeout bigint;
alter table roles add column absolute_timeout bigint;
