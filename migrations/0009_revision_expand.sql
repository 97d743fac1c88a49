-- Raised by every change of who may do what; what a process remembers holds while it stays.
insert into turns (name, taken) values ('revision', 0);
