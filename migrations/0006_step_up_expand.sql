-- When the password was last entered in a session, and the id that it had before that.
-- Sessions from before this grew have entered none.
alter table sessions add column proved_at timestamptz;
alter table sessions add column former_digest text;
alter table sessions add column former_until timestamptz;
create unique index sessions_former_digest on sessions (former_digest);
