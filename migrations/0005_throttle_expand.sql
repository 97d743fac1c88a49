-- Failed tries in a row, by account, by device that the account knows, and by address.
create table throttles (
    kind text not null, -- account, device, address
    key text not null, -- user id or digest of a name that nobody has; device; network
    failures bigint not null,
    since bigint not null, -- milliseconds since 1970: of the last failure; of the first for address
    free_at bigint not null, -- the same: when the next try is let through
    primary key (kind, key)
);
create index throttles_since on throttles (since);

-- Devices that knew the account before this grew are strangers.
alter table users add column device_epoch bigint not null default 0;
