//! What arrived is read back and held against the source: a target that makes something else of
//! it is noticed, and left as it was.

use crate::{
    copy::{copy, other},
    program::{Program, on_both},
    support::Engine,
};

/// A trigger that somebody has put on a table of the target.
struct Meddler {
    /// Which table then differs.
    differs: &'static str,
    on: &'static str,
    sqlite: &'static str,
    /// The body of a function in PL/pgSQL.
    postgres: &'static str,
}

const MEDDLERS: [Meddler; 3] = [
    Meddler {
        differs: "users",
        on: "users",
        sqlite: "after insert on users begin
                     update users set display_name = display_name || ' ' where id = new.id;
                 end",
        postgres: "new.display_name := new.display_name || ' '; return new;",
    },
    Meddler {
        differs: "throttles",
        on: "throttles",
        sqlite: "before insert on throttles when new.key = 'second' begin
                     select raise(ignore);
                 end",
        postgres: "if new.key = 'second' then return null; end if; return new;",
    },
    Meddler {
        differs: "throttles",
        on: "users",
        sqlite: "after insert on users begin
                     insert into throttles (kind, key, failures, since, free_at)
                     values ('device', 'third', 1, 1, 1);
                 end",
        postgres: "insert into throttles (kind, key, failures, since, free_at)
                   values ('device', 'third', 1, 1, 1); return new;",
    },
];

impl Meddler {
    fn install(&self, target: &Program) {
        target.execute(&match target.engine() {
            Engine::Sqlite => format!("create trigger meddler {}", self.sqlite),
            Engine::Postgres => format!(
                "create function meddler() returns trigger language plpgsql
                 as $$ begin {} end $$;
                 create trigger meddler before insert on {}
                 for each row execute function meddler()",
                self.postgres, self.on
            ),
        });
    }

    fn remove(&self, target: &Program) {
        target.execute(&match target.engine() {
            Engine::Sqlite => "drop trigger meddler".to_owned(),
            Engine::Postgres => format!("drop trigger meddler on {}", self.on),
        });
    }
}

#[test]
fn a_target_that_changes_drops_or_adds_a_row_is_noticed_and_left_as_it_was() {
    on_both(|source| {
        source.add_user("ada", &["admin"]);
        source.execute(
            "insert into throttles (kind, key, failures, since, free_at)
             values ('device', 'first', 1, 1, 1), ('device', 'second', 1, 1, 1)",
        );
        for meddler in MEDDLERS {
            let target = other(&source);
            target.ok(&["migrate"]);
            target.execute("delete from keys");
            meddler.install(&target);
            let before = target.dump();
            let line = source.refused(&copy(&source, target.url()));
            let named = format!("what the target holds of {} is not", meddler.differs);
            assert!(line.contains(&named) && line.contains("nothing was copied"), "{line}");
            assert!(line.contains("trigger"), "no word of what may be to blame: {line}");
            assert_eq!(target.dump(), before);
            meddler.remove(&target);
            source.ok(&copy(&source, target.url()));
            assert_eq!(target.number("select count(*) from throttles"), 2);
        }
    });
}
