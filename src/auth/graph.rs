//! Which role includes which and permits what, in memory: for questions that one statement
//! does not answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{access::Demand, name::ADMIN};
use crate::db::{
    Db, Tx,
    roles::{self, Pair},
};

/// Which role includes which and permits what, for questions that one statement does not
/// answer: cycles, paths, trees.
#[derive(Debug, Default, Clone)]
pub struct Graph {
    includes: BTreeMap<String, Vec<String>>,
    included_in: BTreeMap<String, Vec<String>>,
    permissions: BTreeMap<String, Vec<String>>,
}

impl Graph {
    pub async fn load(db: &Db) -> sqlx::Result<Self> {
        let includes = roles::list_includes(db).await?;
        Ok(Self::new(includes, roles::list_permissions(db).await?))
    }

    pub(super) async fn load_in(tx: &mut Tx) -> sqlx::Result<Self> {
        let includes = roles::list_includes_in(tx).await?;
        Ok(Self::new(includes, roles::list_permissions_in(tx).await?))
    }

    fn new(includes: Vec<Pair>, permissions: Vec<Pair>) -> Self {
        let by_role = |pairs: Vec<Pair>| {
            let mut map = BTreeMap::<String, Vec<String>>::new();
            for pair in pairs {
                map.entry(pair.role).or_default().push(pair.other);
            }
            map
        };
        let upwards =
            includes.iter().map(|pair| Pair { role: pair.other.clone(), other: pair.role.clone() });
        Self {
            included_in: by_role(upwards.collect()),
            includes: by_role(includes),
            permissions: by_role(permissions),
        }
    }

    /// The same when the role no longer includes the other one.
    pub fn without(mut self, role: &str, other: &str) -> Self {
        for (map, key, value) in
            [(&mut self.includes, role, other), (&mut self.included_in, other, role)]
        {
            if let Some(values) = map.get_mut(key) {
                values.retain(|one| one != value);
            }
        }
        self
    }

    /// What the role includes directly.
    pub fn includes(&self, role: &str) -> &[String] {
        self.includes.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the role permits directly.
    pub fn permissions(&self, role: &str) -> &[String] {
        self.permissions.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// The roles and all they include.
    pub fn closure<'a>(&'a self, roles: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<_> = roles.into_iter().collect();
        while let Some(role) = open.pop() {
            if found.insert(role) {
                open.extend(self.includes(role).iter().map(String::as_str));
            }
        }
        found
    }

    /// The roles that include this one directly.
    pub fn included_in(&self, role: &str) -> &[String] {
        self.included_in.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// All roles that include this one, directly or through others.
    pub fn ancestors(&self, role: &str) -> BTreeSet<String> {
        self.tree_upwards(role).into_iter().map(|(_, name)| name).collect()
    }

    /// What the role includes, as a tree written line by line: depth from 0, and name. A role
    /// that is reached twice is written once: at depth 0 if it is included directly, else where
    /// it is met first.
    pub fn tree(&self, role: &str) -> Vec<(usize, String)> {
        self.walk(role, |role| self.includes(role))
    }

    /// The same upwards.
    pub fn tree_upwards(&self, role: &str) -> Vec<(usize, String)> {
        self.walk(role, |role| self.included_in(role))
    }

    fn walk<'a>(&'a self, role: &str, next: impl Fn(&str) -> &'a [String]) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        let direct = next(role);
        let mut seen = BTreeSet::from([role.to_owned()]);
        let children = |depth: usize, role: &str| {
            let below = next(role).iter().rev();
            below.map(move |name| (depth, name.clone())).collect::<Vec<_>>()
        };
        let mut open = children(0, role);
        while let Some((depth, name)) = open.pop() {
            if (depth == 0 || !direct.contains(&name)) && seen.insert(name.clone()) {
                open.extend(children(depth + 1, &name));
                lines.push((depth, name));
            }
        }
        lines
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
        demand.is_met(&BTreeSet::from([role.to_owned()]), permissions)
    }
}
