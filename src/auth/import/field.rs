//! Which column or key of a file is which field of a user.

use std::str::FromStr;

/// What a file says of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Username,
    Email,
    DisplayName,
    PasswordHash,
    Roles,
    Status,
}

impl Field {
    pub const ALL: &[Self] = &[
        Self::Username,
        Self::Email,
        Self::DisplayName,
        Self::PasswordHash,
        Self::Roles,
        Self::Status,
    ];

    /// As columns, keys and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::DisplayName => "display_name",
            Self::PasswordHash => "password_hash",
            Self::Roles => "roles",
            Self::Status => "status",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// All names, for a sentence.
    pub fn names() -> String {
        Self::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
    }
}

/// What is done with a column or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    As(Field),
    LeftOut,
}

/// `COLUMN=FIELD`, or `COLUMN=-` for one that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    column: String,
    is: Use,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("it is written COLUMN=FIELD, such as login=username")]
    Form,
    #[error("there is no field {0:?}; there are {names}, and - for what is left out", names = Field::names())]
    Field(String),
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        // A column may be called anything, a field may not.
        let (column, field) = text.rsplit_once('=').ok_or(MappingError::Form)?;
        let is = match field {
            "-" => Use::LeftOut,
            name => {
                Use::As(Field::parse(name).ok_or_else(|| MappingError::Field(name.to_owned()))?)
            }
        };
        Ok(Self { column: column.to_owned(), is })
    }
}

/// What the columns or keys of a file are.
#[derive(Debug, Clone, Default)]
pub struct Mappings(Vec<Mapping>);

impl From<Vec<Mapping>> for Mappings {
    fn from(mappings: Vec<Mapping>) -> Self {
        Self(mappings)
    }
}

impl Mappings {
    /// `None`: nobody said.
    pub fn find(&self, column: &str) -> Option<Use> {
        let mapped = self.0.iter().find(|mapping| mapping.column == column);
        mapped.map(|mapping| mapping.is).or_else(|| Field::parse(column).map(Use::As))
    }

    /// A column that was named and is not among these.
    pub fn missing(&self, columns: &[String]) -> Option<&str> {
        let mut named = self.0.iter().map(|mapping| mapping.column.as_str());
        named.find(|named| !columns.iter().any(|column| column == named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_what_it_is_called_unless_somebody_says_otherwise() {
        let map = |text: &str| text.parse::<Mapping>();
        let mappings: Vec<_> =
            ["a=b=username", "email=-"].iter().filter_map(|text| map(text).ok()).collect();
        let mappings = Mappings::from(mappings);
        assert_eq!(mappings.find("a=b"), Some(Use::As(Field::Username)));
        assert_eq!(mappings.find("email"), Some(Use::LeftOut));
        assert_eq!(mappings.find("roles"), Some(Use::As(Field::Roles)));
        assert_eq!(mappings.find("Roles"), None);
        assert_eq!(mappings.missing(&["email".to_owned()]), Some("a=b"));
        assert_eq!(map("username"), Err(MappingError::Form));
        assert_eq!(map("a=b"), Err(MappingError::Field("b".to_owned())));
    }
}
