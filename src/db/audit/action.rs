//! What the trail tells of, as a closed list: a misspelt action does not compile, and none is
//! without its words on the pages.

macro_rules! actions {
    ($($action:ident = $name:literal,)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $($action,)+ }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$action,)+];

            /// `noun.verb`, as the database has it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$action => $name,)+ }
            }
        }
    };
}

actions! {
    SessionCreate = "session.create",
    LoginRefuse = "login.refuse",
    SessionProve = "session.prove",
    SessionEnd = "session.end",
    UserSessionsEnd = "user.sessions_end",
    SessionsEndAll = "sessions.end_all",
    UserCreate = "user.create",
    UserEdit = "user.edit",
    UserEnable = "user.enable",
    UserDisable = "user.disable",
    UserRemove = "user.remove",
    UserPassword = "user.password",
    UserPasswordRefuse = "user.password_refuse",
    UserHashRenew = "user.hash_renew",
    UsersImport = "users.import",
    LinkInvite = "link.invite",
    LinkPassword = "link.password",
    LinkSetup = "link.setup",
    SetupFinish = "setup.finish",
    GrantCreate = "grant.create",
    GrantDelete = "grant.delete",
    GrantEnd = "grant.end",
    RoleCreate = "role.create",
    RoleDescribe = "role.describe",
    RoleDelete = "role.delete",
    RoleAllow = "role.allow",
    RoleDeny = "role.deny",
    RoleInclude = "role.include",
    RoleExclude = "role.exclude",
    RoleLimit = "role.limit",
    RoleGrantorAdd = "role.grantor_add",
    RoleGrantorRemove = "role.grantor_remove",
    ThrottleClose = "throttle.close",
    ThrottleClear = "throttle.clear",
    PermissionCreate = "permission.create",
    PermissionDescribe = "permission.describe",
    PermissionDelete = "permission.delete",
    KeyRotate = "key.rotate",
    AuditExport = "audit.export",
    AuditPrune = "audit.prune",
}

impl Action {
    /// `None` for what another version of rolecall wrote.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}
