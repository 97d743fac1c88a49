//! From a database to a [`Rolecall`] that works on it.

use serde_json::json;

use super::{Permission, Role, Rolecall, Settings};
use crate::{
    app::{App, Migrate, OpenError, layout::Layout},
    auth::{
        Actor, By,
        seed::{self, SeedError},
    },
    clock::Clock,
    config::Pooler,
    db::{self, ConnectError, Db},
    random::Random,
};

/// What becomes a [`Rolecall`]; begun by [`Rolecall::connect`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    db: Db,
    settings: Settings,
    permissions: Vec<Permission>,
    roles: Vec<Role>,
    layout: Layout,
}

/// Why there is no [`Rolecall`]: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BuildError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Declared(#[from] SeedError),
}

impl Builder {
    pub(super) async fn connect(url: &str) -> Result<Self, BuildError> {
        let db = db::connect(url, Pooler::Off).await.map_err(Cause::from)?;
        Ok(Self {
            db,
            settings: Settings::default(),
            permissions: Vec::new(),
            roles: Vec::new(),
            layout: Layout::default(),
        })
    }

    /// Settings other than the defaults.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// What stands around the pages, in place of ours.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Declares permissions of the application, each once. Those that are not there yet are made.
    pub fn permissions(mut self, permissions: &[Permission]) -> Self {
        self.permissions.extend(permissions);
        self
    }

    /// Roles that the application comes with. Those that are not there yet are made; one that is
    /// there stays as it is.
    pub fn roles(mut self, roles: &[Role]) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Brings the database up to date, opens or makes the key file, makes what was declared, and
    /// begins what is done beside the requests.
    ///
    /// # Errors
    /// When the database is of a newer version or another program's, a setting is wrong, a
    /// permission or role is there twice, or a role is malformed or names what does not exist.
    pub async fn build(self) -> Result<Rolecall, BuildError> {
        let declared = self.declared().map_err(Cause::from)?;
        let settings = self.settings.resolve().map_err(Cause::Settings)?;
        let (clock, random) = (Clock::system(), Random::system());
        let opened = App::open_on(self.db, settings, Migrate::Apply, clock, random).await;
        let mut app = opened.map_err(Cause::from)?;
        app.layout = self.layout;
        let by = By::new(Actor::Application);
        let made = seed::add_missing(&app, &by, declared).await.map_err(Cause::from)?;
        if !made.is_empty() {
            tracing::info!(steps = made.len(), "made permissions and roles of the application");
        }
        Ok(Rolecall::new(app))
    }

    fn declared(&self) -> Result<seed::Seed, SeedError> {
        let permissions = self.permissions.iter();
        let roles = self.roles.iter();
        seed::of_value(json!({
            "permission": permissions
                .map(|one| json!({ "name": one.name, "description": one.description }))
                .collect::<Vec<_>>(),
            "role": roles
                .map(|role| {
                    let permissions = role.permissions.iter().map(|one| one.name);
                    json!({
                        "name": role.name,
                        "description": role.description,
                        "permissions": permissions.collect::<Vec<_>>(),
                        "includes": role.includes,
                    })
                })
                .collect::<Vec<_>>(),
        }))
    }
}
