//! What the pages about roles show.

use askama::Template;

use super::{Cut, Frame};
use crate::{text, web::pages};

/// `/admin/roles`.
#[derive(Template)]
#[template(path = "admin/roles.html")]
pub struct RolesPage {
    pub frame: Frame,
    pub roles: Vec<RoleLine>,
    /// Query strings of the next page and, when there is a page before, of the first.
    pub more: Option<String>,
    pub first: Option<String>,
    pub can_create: bool,
}

pub struct RoleLine {
    pub name: String,
    pub description: String,
    pub built_in: bool,
    /// It has every permission, whatever `permissions` lists.
    pub has_all: bool,
    pub permissions: Cut<String>,
    pub includes: Cut<String>,
    /// Users who hold it directly, as text (`1,000+` where counting would take long).
    pub holders: String,
}

/// `/admin/roles/new`.
#[derive(Template)]
#[template(path = "admin/role_new.html")]
pub struct NewRolePage {
    pub frame: Frame,
    pub name: String,
    pub description: String,
    pub name_problem: Option<String>,
    pub description_problem: Option<String>,
}

/// `/admin/roles/{name}`.
#[derive(Template)]
#[template(path = "admin/role.html")]
pub struct RolePage {
    pub frame: Frame,
    pub name: String,
    pub built_in: bool,
    pub description: String,
    pub description_problem: Option<String>,
    pub version: i64,
    /// Somebody else saved another description meanwhile: this one.
    pub meanwhile: Option<String>,
    pub limits: RoleLimits,
    /// The reader may edit roles at all.
    pub can_edit: bool,
    pub can_delete: bool,
    /// `admin` has all, by itself.
    pub has_all: bool,
    pub permissions: Cut<Removable>,
    /// Offered for the field that adds a permission (datalist).
    pub offered_permissions: Vec<String>,
    /// What was typed to be added, with what is wrong with it.
    pub permission: Addition,
    pub include: Addition,
    pub grantor: Addition,
    /// Roles included, as a tree written line by line: depth from 0, name.
    pub includes: Cut<TreeLine>,
    /// Roles that may be included yet.
    pub includable: Vec<String>,
    /// Roles that include this one, as a tree upwards.
    pub included_in: Cut<TreeLine>,
    pub grantors: Cut<Removable>,
    pub addable_grantors: Vec<String>,
    /// A change that was refused and has no field on the page: why.
    pub problem: Option<String>,
    pub holders: Vec<HolderLine>,
    /// Query string of the next page of holders.
    pub more: Option<String>,
    /// The reader may see users; without, `holders` is empty.
    pub can_see_holders: bool,
}

/// When sessions with a role end, as it is written; empty: the role does not say.
#[derive(Default)]
pub struct RoleLimits {
    pub idle: String,
    pub absolute: String,
    pub idle_problem: String,
    pub absolute_problem: String,
    /// Somebody else saved others meanwhile: these.
    pub meanwhile: Option<(String, String)>,
    pub can_edit: bool,
}

#[derive(Default)]
pub struct Addition {
    pub typed: String,
    pub problem: String,
}

pub struct Removable {
    pub name: String,
    pub can_remove: bool,
}

pub struct TreeLine {
    pub depth: usize,
    pub name: String,
    pub can_remove: bool,
}

pub struct HolderLine {
    pub user_id: String,
    pub username: String,
    pub granted: String,
    pub by: String,
    pub reason: String,
    pub until: Option<String>,
}
