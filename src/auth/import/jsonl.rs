//! Lines of JSON, an object each.

use std::{borrow::Cow, fmt, io};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::{
    MAX_LINE_BYTES,
    field::{Field, Mappings, Use},
    refused::{Flaw, Reason},
    row::Raw,
    source::Source,
};

pub struct Jsonl {
    source: Source,
    mappings: Mappings,
    line: Vec<u8>,
}

impl Jsonl {
    pub fn new(source: Source, mappings: Mappings) -> Self {
        Self { source, mappings, line: Vec::new() }
    }

    /// The next line and what stands in it; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<(u64, Result<Raw<'static>, Flaw>)>> {
        loop {
            let number = self.source.line;
            match self.source.read_line(&mut self.line, MAX_LINE_BYTES)? {
                None => return Ok(None),
                Some(false) => return Ok(Some((number, Err((None, Reason::TooLong))))),
                Some(true) if self.line.trim_ascii().is_empty() => {}
                Some(true) => return Ok(Some((number, read(&self.line, &self.mappings)))),
            }
        }
    }

    pub fn bytes(&self) -> u64 {
        self.source.bytes
    }
}

fn read(line: &[u8], mappings: &Mappings) -> Result<Raw<'static>, Flaw> {
    let text = str::from_utf8(line).map_err(|_| (None, Reason::Encoding))?;
    // What the reader says of a wrong value would show it.
    let Object(entries) =
        serde_json::from_str(text).map_err(|error| (None, Reason::Json(error.column())))?;
    let (mut raw, mut seen) = (Raw::default(), Vec::new());
    for (key, value) in entries {
        let field = match mappings.find(&key) {
            None => return Err((None, Reason::unknown(&key))),
            Some(Use::LeftOut) => continue,
            Some(Use::As(field)) => field,
        };
        if seen.contains(&field) {
            return Err((Some(field), Reason::Twice));
        }
        seen.push(field);
        set(&mut raw, field, value).map_err(|reason| (Some(field), reason))?;
    }
    Ok(raw)
}

fn set(raw: &mut Raw<'static>, field: Field, value: Value) -> Result<(), Reason> {
    let into = match field {
        Field::Username => &mut raw.username,
        Field::Email => &mut raw.email,
        Field::DisplayName => &mut raw.display_name,
        Field::PasswordHash => &mut raw.password_hash,
        Field::Status => &mut raw.status,
        Field::Roles => {
            raw.roles = list(value)?;
            return Ok(());
        }
    };
    match value {
        Value::Null => {}
        Value::String(text) => *into = text.into(),
        _ => return Err(Reason::NoText),
    }
    Ok(())
}

fn list(value: Value) -> Result<Vec<Cow<'static, str>>, Reason> {
    let text = |value| match value {
        Value::String(text) => Ok(text.into()),
        _ => Err(Reason::NoList),
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        _ => Err(Reason::NoList),
    }
}

/// All that stands in an object, a key that is there twice too.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
