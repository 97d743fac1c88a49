//! Making and changing roles: what they permit and which others they include.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::json;

use super::{
    By, Refusal, Result,
    access::{Demand, holds},
    name::{ADMIN, PermissionName, RoleName, is_built_in},
};
use crate::{
    app::App,
    db::{
        Db, Tx,
        audit::{Entry, Target},
        permissions,
        roles::{self, Pair},
        turns,
    },
};

/// Makes a role. Holders of `user-manager` may grant it, unless that is changed.
pub async fn create(app: &App, by: &By, name: &RoleName, description: &str) -> Result<()> {
    if name.is_built_in() {
        return Err(Refusal::RoleExists(name.as_str().to_owned()).into());
    }
    if name.as_str().starts_with("rolecall.") {
        return Err(Refusal::Reserved.into());
    }
    let mut tx = app.db.begin().await?;
    if !roles::create(&mut tx, name.as_str(), description, app.now()).await? {
        return Err(Refusal::RoleExists(name.as_str().to_owned()).into());
    }
    roles::add_grantor(&mut tx, name.as_str(), "user-manager").await?;
    let detail = json!({ "description": description, "grantors": ["user-manager"] });
    record(app, &mut tx, by, "role.create", name, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a role; whoever had it through a grant or an include has it no more.
pub async fn delete(app: &App, by: &By, name: &RoleName) -> Result<()> {
    let mut tx = app.db.begin().await?;
    editable(&mut tx, name).await?;
    roles::delete(&mut tx, name.as_str()).await?;
    record(app, &mut tx, by, "role.delete", name, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Lets the role's holders do something. A permission that nobody named before is declared.
pub async fn allow(app: &App, by: &By, role: &RoleName, permission: &PermissionName) -> Result<()> {
    let mut tx = app.db.begin().await?;
    editable(&mut tx, role).await?;
    let is_ours =
        super::access::Permission::ALL.iter().any(|own| own.name() == permission.as_str());
    if permission.is_reserved() && !is_ours {
        return Err(Refusal::NoPermission(permission.as_str().to_owned()).into());
    }
    permissions::create(&mut tx, permission.as_str()).await?;
    if roles::allow(&mut tx, role.as_str(), permission.as_str()).await? {
        let detail = json!({ "permission": permission.as_str() });
        record(app, &mut tx, by, "role.allow", role, detail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a permission from the role.
pub async fn deny(app: &App, by: &By, role: &RoleName, permission: &PermissionName) -> Result<()> {
    let mut tx = app.db.begin().await?;
    editable(&mut tx, role).await?;
    if roles::deny(&mut tx, role.as_str(), permission.as_str()).await? {
        let detail = json!({ "permission": permission.as_str() });
        record(app, &mut tx, by, "role.deny", role, detail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Gives the role all that `other` has.
///
/// # Errors
/// [`Refusal::Cycle`] when `other` already includes the role, directly or through others.
pub async fn include(app: &App, by: &By, role: &RoleName, other: &RoleName) -> Result<()> {
    let mut tx = app.db.begin().await?;
    editable(&mut tx, role).await?;
    if other.is_built_in() {
        return Err(Refusal::BuiltInIncluded(other.as_str().to_owned()).into());
    }
    if !roles::exists(&mut tx, other.as_str()).await? {
        return Err(Refusal::NoRole(other.as_str().to_owned()).into());
    }
    // Two halves of a cycle that come at once see each other.
    turns::take(&mut tx, turns::INCLUDES).await?;
    let graph = Graph::new(roles::list_includes_in(&mut tx).await?, Vec::new());
    if let Some(path) = graph.path(other.as_str(), |name| name == role.as_str()) {
        return Err(Refusal::Cycle(role.as_str().to_owned(), path.join(" -> ")).into());
    }
    if roles::include(&mut tx, role.as_str(), other.as_str()).await? {
        let detail = json!({ "includes": other.as_str() });
        record(app, &mut tx, by, "role.include", role, detail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends an include.
pub async fn exclude(app: &App, by: &By, role: &RoleName, other: &RoleName) -> Result<()> {
    let mut tx = app.db.begin().await?;
    editable(&mut tx, role).await?;
    if roles::exclude(&mut tx, role.as_str(), other.as_str()).await? {
        let detail = json!({ "includes": other.as_str() });
        record(app, &mut tx, by, "role.exclude", role, detail).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn editable(tx: &mut Tx, role: &RoleName) -> Result<()> {
    if is_built_in(role.as_str()) {
        return Err(Refusal::BuiltIn(role.as_str().to_owned()).into());
    }
    if !roles::exists(tx, role.as_str()).await? {
        return Err(Refusal::NoRole(role.as_str().to_owned()).into());
    }
    Ok(())
}

async fn record(
    app: &App,
    tx: &mut Tx,
    by: &By,
    action: &'static str,
    role: &RoleName,
    detail: serde_json::Value,
) -> Result<()> {
    let entry = Entry::new(action, Target::Role(role.as_str().to_owned())).detail(detail);
    Ok(app.pen.record(tx, by, entry).await?)
}

/// Which role includes which and permits what, for questions that one statement does not
/// answer: cycles, paths, trees.
#[derive(Debug, Default)]
pub struct Graph {
    includes: BTreeMap<String, Vec<String>>,
    permissions: BTreeMap<String, Vec<String>>,
}

impl Graph {
    pub async fn load(db: &Db) -> sqlx::Result<Self> {
        let includes = roles::list_includes(db).await?;
        Ok(Self::new(includes, roles::list_permissions(db).await?))
    }

    fn new(includes: Vec<Pair>, permissions: Vec<Pair>) -> Self {
        let by_role = |pairs: Vec<Pair>| {
            let mut map = BTreeMap::<String, Vec<String>>::new();
            for pair in pairs {
                map.entry(pair.role).or_default().push(pair.other);
            }
            map
        };
        Self { includes: by_role(includes), permissions: by_role(permissions) }
    }

    /// What the role includes directly.
    pub fn includes(&self, role: &str) -> &[String] {
        self.includes.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the role permits directly.
    pub fn permissions(&self, role: &str) -> &[String] {
        self.permissions.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// The role and all it includes.
    pub fn closure(&self, role: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![role];
        while let Some(role) = open.pop() {
            if found.insert(role.to_owned()) {
                open.extend(self.includes(role).iter().map(String::as_str));
            }
        }
        found
    }

    /// The shortest way from `role` through includes to one that `is_goal`, both ends named.
    pub fn path(&self, role: &str, is_goal: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        let mut came_from = BTreeMap::from([(role.to_owned(), None::<String>)]);
        let mut open = VecDeque::from([role.to_owned()]);
        while let Some(role) = open.pop_front() {
            if is_goal(&role) {
                let before = |role: &String| came_from.get(role).cloned().flatten();
                let mut path: Vec<_> = std::iter::successors(Some(role), before).collect();
                path.reverse();
                return Some(path);
            }
            for next in self.includes(&role) {
                if !came_from.contains_key(next) {
                    came_from.insert(next.clone(), Some(role.clone()));
                    open.push_back(next.clone());
                }
            }
        }
        None
    }

    /// Whether the role by itself meets the demand: it is the role asked for, or permits what
    /// is asked. `all` are the permissions that exist, which `admin` has.
    pub(super) fn meets(&self, role: &str, demand: &Demand, all: &BTreeSet<String>) -> bool {
        let own = self.permissions(role).iter().cloned().collect();
        let permissions = if role == ADMIN { all } else { &own };
        holds(&BTreeSet::from([role.to_owned()]), permissions, demand)
    }
}
