-- A link reaches no further than who made it; null: the operator, or rolecall itself.
alter table links add column made_by_id uuid;
