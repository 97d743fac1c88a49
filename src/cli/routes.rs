//! `routes`: the access policy as the server has it.

use serde_json::json;

use super::{Outcome, output::List};
use crate::web::{self, Kind};

pub fn run(json: bool) -> Outcome {
    let mut list = List::new(json, ["METHOD", "PATH", "REQUIRES", "ANONYMOUS"]);
    for route in web::routes() {
        for (method, access) in &route.methods {
            let anonymous = match (access, route.kind) {
                (crate::auth::access::Access::Public, _) => "passes",
                (_, Kind::Page) => "login",
                (_, Kind::Check) => "401",
            };
            let row = [method.to_string(), route.path.into(), access.to_string(), anonymous.into()];
            let value = json!({ "method": row[0], "path": row[1], "requires": row[2], "anonymous": row[3] });
            list.push(row, || value)?;
        }
    }
    list.finish()
}
