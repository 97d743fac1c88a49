-- What keeps the pages quick with a million users.

-- Who has a role now, and how many do, without those whose grant has ended.
create index grants_holders on grants (role_name, end_recorded, user_id, ends_at);
drop index grants_role_name;

-- The trail of an actor who is no user, and of one who did very much.
create index audit_actor on audit (actor, id);
create index audit_actor_action on audit (actor, action, id);
create index audit_actor_id_action on audit (actor_id, action, id);
