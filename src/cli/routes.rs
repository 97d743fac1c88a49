//! `routes`: the access policy as the server has it.

use serde_json::json;

use super::{Outcome, Place, output::List};
use crate::{
    auth::access::Access,
    config::Settings,
    web::{self, Kind},
};

pub fn run(place: &Place, json: bool) -> Outcome {
    let url = Settings::of_environment(place.config.as_deref())?.public_url;
    let mut list = List::new(json, ["METHOD", "PATH", "REQUIRES", "ANONYMOUS", "PASSWORD"]);
    for route in web::routes() {
        let is_at_root = !url.prefix().is_empty() && web::AT_ROOT.contains(&route.path);
        let at_root = is_at_root.then(|| route.path.to_owned());
        let paths: Vec<String> = at_root.into_iter().chain([url.path(route.path)]).collect();
        for (path, (method, access)) in
            paths.iter().flat_map(|path| route.methods.iter().map(move |method| (path, method)))
        {
            let password = if matches!(access, Access::Proven(_)) { "asked again" } else { "" };
            let anonymous = match (access, route.kind) {
                (Access::Public, _) => "passes",
                (_, Kind::Page) => "login",
                (_, Kind::Check) => "401",
            };
            let requires = access.to_string();
            let value = json!({
                "method": method.as_str(), "path": path, "requires": requires,
                "anonymous": anonymous, "step_up": matches!(access, Access::Proven(_)),
            });
            let row =
                [method.to_string(), path.clone(), requires, anonymous.into(), password.into()];
            list.push(row, || value)?;
        }
    }
    list.finish()
}
