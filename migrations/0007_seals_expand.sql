-- What makes tampering with the trail show; docs/audit.md says how.

-- Records that are not sealed yet: written with the record, deleted with its sealing.
create table audit_unsealed (
    audit_id uuid primary key not null
);
insert into audit_unsealed (audit_id) select id from audit order by id;

-- The chain. Insert only; no foreign key, so that a record that goes leaves its seal behind.
create table seals (
    number bigint primary key not null,
    audit_id uuid not null unique,
    record_digest bytea not null,
    chain_digest bytea not null -- of the seal before, the number and the record's digest
);

create table checkpoints (
    number bigint not null, -- of the seal that it signs
    kind text not null, -- end; pruned: the chain goes on from here
    chain_digest bytea not null,
    at timestamptz not null,
    key_id text not null,
    mac bytea not null,
    primary key (number, kind)
);

-- Which node does what one node at a time does.
create table leases (
    name text primary key not null,
    holder text not null,
    held_until bigint not null -- milliseconds since 1970
);

insert into turns (name, taken) values ('seals', 0);
