-- What user names look like (UTS #39 skeleton): two that look alike are not given out.
create table name_looks (
    look bytea primary key not null,
    user_id uuid not null references users (id) on delete cascade
);
create index name_looks_user_id on name_looks (user_id);
