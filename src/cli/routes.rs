//! `routes`: the access policy as the server has it.

use serde_json::json;

use super::{Outcome, output::List};
use crate::{
    auth::access::Access,
    web::{self, Kind},
};

pub fn run(json: bool) -> Outcome {
    let mut list = List::new(json, ["METHOD", "PATH", "REQUIRES", "ANONYMOUS", "PASSWORD"]);
    for route in web::routes() {
        for (method, access) in &route.methods {
            let password = if matches!(access, Access::Proven(_)) { "asked again" } else { "" };
            let anonymous = match (access, route.kind) {
                (Access::Public, _) => "passes",
                (_, Kind::Page) => "login",
                (_, Kind::Check) => "401",
            };
            let requires = access.to_string();
            let value = json!({
                "method": method.as_str(), "path": route.path, "requires": requires,
                "anonymous": anonymous, "step_up": matches!(access, Access::Proven(_)),
            });
            let row = [
                method.to_string(),
                route.path.into(),
                requires,
                anonymous.into(),
                password.into(),
            ];
            list.push(row, || value)?;
        }
    }
    list.finish()
}
