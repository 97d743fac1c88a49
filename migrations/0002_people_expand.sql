-- What the pages for managing people need.

-- Two people who edit at once notice each other.
alter table users add column version bigint not null default 0;
alter table roles add column version bigint not null default 0;

-- A password that the program made: good for one login until then, which sets a new one.
alter table users add column password_expires_at timestamptz;

-- The end of a grant is recorded once.
alter table grants add column end_recorded boolean not null default false;
create index grants_end_recorded on grants (end_recorded, ends_at);

create index users_status on users (status, id);
create index audit_personal_user_id_audit_id on audit_personal (user_id, audit_id);

-- Numbers that the overview shows without counting: users by status, logins by day.
create table tallies (
    name text not null,
    day text not null, -- such as 2026-11-22; empty: over all days
    n bigint not null,
    primary key (name, day)
);
insert into tallies (name, day, n)
    select 'users.active', '', count(*) from users where status = 'active';
insert into tallies (name, day, n)
    select 'users.disabled', '', count(*) from users where status = 'disabled';
