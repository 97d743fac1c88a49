-- One schema for SQLite and Postgres: portable types, ids and times made by the program,
-- times in whole seconds UTC (SQLite compares them as text).

create table users (
    id uuid primary key not null,
    status text not null, -- active, disabled; removed: the id alone is kept
    username text not null,
    email text,
    display_name text not null,
    password_hash text,
    session_epoch bigint not null, -- a login that saw an older one opens no session
    created_at timestamptz not null,
    last_login_at timestamptz
);

-- User names and e-mails as login and search compare them: one space of unique keys.
create table login_keys (
    key bytea primary key not null,
    kind text not null, -- name, email
    user_id uuid not null references users (id) on delete cascade
);
create unique index login_keys_user_id on login_keys (user_id, kind);
create index login_keys_kind on login_keys (kind, key);

create table permissions (
    name text primary key not null,
    description text not null
);

create table roles (
    name text primary key not null,
    description text not null,
    created_at timestamptz not null
);

create table role_permissions (
    role_name text not null references roles (name) on delete cascade,
    permission_name text not null references permissions (name) on delete cascade,
    primary key (role_name, permission_name)
);
create index role_permissions_permission_name on role_permissions (permission_name);

create table role_includes (
    role_name text not null references roles (name) on delete cascade,
    included_name text not null references roles (name) on delete cascade,
    primary key (role_name, included_name)
);
create index role_includes_included_name on role_includes (included_name);

create table role_grantors (
    role_name text not null references roles (name) on delete cascade,
    grantor_name text not null references roles (name) on delete cascade,
    primary key (role_name, grantor_name)
);
create index role_grantors_grantor_name on role_grantors (grantor_name);

create table grants (
    user_id uuid not null references users (id) on delete cascade,
    role_name text not null references roles (name) on delete cascade,
    granted_at timestamptz not null,
    granted_by text not null, -- user, cli:<OS user>, system
    granted_by_id uuid, -- which user
    reason text not null,
    ends_at timestamptz,
    primary key (user_id, role_name)
);
create index grants_role_name on grants (role_name, user_id);
create index grants_ends_at on grants (ends_at);

create table sessions (
    id uuid primary key not null, -- what people and forms name the session by
    digest text not null unique, -- of the id in the cookie; the id itself is nowhere
    check_digest text unique, -- of the token in the check cookie
    user_id uuid not null references users (id) on delete cascade,
    remember boolean not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    idle_expires_at timestamptz not null, -- never later than absolute_expires_at
    absolute_expires_at timestamptz not null,
    ip text not null,
    user_agent text not null
);
create index sessions_user_id on sessions (user_id);
create index sessions_idle_expires_at on sessions (idle_expires_at);

-- The table of tower-sessions-sqlx-store; no row of it lives without its session.
create table session_data (
    id text primary key not null references sessions (digest) on delete cascade on update cascade,
    data bytea not null,
    expiry_date timestamptz not null
);

create table links (
    digest text primary key not null,
    kind text not null, -- setup, invitation, password
    user_id uuid references users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    spent_at timestamptz
);
create index links_user_id on links (user_id);

-- Ids of the keys in use; the keys stand in the key file.
create table keys (
    id text primary key not null,
    created_at timestamptz not null
);

-- A transaction that updates the row of a rule first is alone with that rule.
create table turns (
    name text primary key not null,
    taken bigint not null
);
insert into turns (name, taken) values ('admins', 0), ('includes', 0), ('keys', 0);

create table audit (
    id uuid primary key not null,
    at timestamptz not null,
    action text not null,
    actor text not null, -- user, cli:<OS user>, visitor, system
    actor_id uuid,
    target text not null, -- user, role, permission, session, key, none
    target_id text not null,
    detail text not null, -- JSON: before and after, nothing personal
    request_id text,
    actor_digest text, -- of the actor's row in audit_personal
    target_digest text
);
create index audit_at on audit (at, id);
create index audit_actor_id on audit (actor_id, id);
create index audit_target on audit (target, target_id, id);
create index audit_action on audit (action, id);

-- Names, e-mails and addresses of the record, with a salt; deleted with the person.
create table audit_personal (
    audit_id uuid not null references audit (id) on delete cascade,
    part text not null, -- actor, target
    user_id uuid,
    content text not null, -- JSON
    primary key (audit_id, part)
);
create index audit_personal_user_id on audit_personal (user_id);

insert into permissions (name, description) values
    ('rolecall.users:read', 'See users, their roles and grants'),
    ('rolecall.users:write', 'Create, edit, disable and remove users; grant and revoke roles'),
    ('rolecall.roles:read', 'See roles and permissions'),
    ('rolecall.roles:write', 'Create, edit and delete roles'),
    ('rolecall.sessions:read', 'See open sessions'),
    ('rolecall.sessions:write', 'End sessions'),
    ('rolecall.audit:read', 'Read the audit trail'),
    ('rolecall.settings:read', 'See settings and the overview');

insert into roles (name, description, created_at) values
    ('admin', 'Has every permission', '2026-01-01T00:00:00Z'),
    ('user-manager', 'Manages users, sessions and grants', '2026-01-01T00:00:00Z'),
    ('auditor', 'Sees everything, changes nothing', '2026-01-01T00:00:00Z'),
    ('user', 'Has an own account and nothing more', '2026-01-01T00:00:00Z');

insert into role_permissions (role_name, permission_name) values
    ('user-manager', 'rolecall.users:read'),
    ('user-manager', 'rolecall.users:write'),
    ('user-manager', 'rolecall.roles:read'),
    ('user-manager', 'rolecall.sessions:read'),
    ('user-manager', 'rolecall.sessions:write'),
    ('auditor', 'rolecall.users:read'),
    ('auditor', 'rolecall.roles:read'),
    ('auditor', 'rolecall.sessions:read'),
    ('auditor', 'rolecall.audit:read'),
    ('auditor', 'rolecall.settings:read');

insert into role_grantors (role_name, grantor_name) values ('user', 'user-manager');
