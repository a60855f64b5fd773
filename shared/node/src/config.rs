//! Loading a configuration: the embedded default, then the file, then the environment, then the command line.
//!
//! The embedded default is the documentation and the list of what exists: a key that does not stand there is refused,
//! and so is a value of another type. Each crate owns the struct of its section; this module only loads.

mod known;
mod sections;
#[cfg(test)]
mod tests;

pub use sections::{Log, LogFormat, Server};

use ::config::{ConfigError, Map, Source, Value, ValueKind};
use anyhow::{Context, bail};
use known::Known;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::{Path, PathBuf};

/// Variables of the environment that set a key start with this: `IM__SECTION__KEY`.
const PREFIX: &str = "IM__";

/// Loads a configuration.
///
/// `overrides` are keys (`server.listen`) with their values as text, from the command line. In them and in the
/// environment a list is written with commas (`polling,websocket`), an empty text being the empty list; lists of
/// tables (`[[rooms]]`) can be written in a file only. A table that is empty in the default takes any keys, for its
/// type to judge.
///
/// # Errors
/// Everything that is wrong, one sentence a line: which key, where it was written, what to write instead. Values are
/// not repeated, since one of them may be a secret.
pub fn load<T: DeserializeOwned>(
    default_toml: &str,
    file: Option<&Path>,
    overrides: Vec<(String, String)>,
) -> anyhow::Result<T> {
    let variables = std::env::vars_os();
    let environment = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_with(default_toml, file, environment, overrides)
}

fn load_with<T: DeserializeOwned>(
    default_toml: &str,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    overrides: Vec<(String, String)>,
) -> anyhow::Result<T> {
    let default = parse(default_toml).context("the embedded default")?;
    let known = Known::new(&default);
    let mut layers = vec![Layer { origin: Origin::Default, table: default.clone() }];
    let mut mistakes = Vec::new();

    if let Some(path) = file {
        let origin = Origin::File(path.to_owned());
        let table = read(path)?;
        mistakes.extend(known.check(&table, &origin));
        layers.push(Layer { origin, table });
    }
    let environment = environment.filter_map(|(name, value)| {
        let path: Vec<String> = name.strip_prefix(PREFIX)?.split("__").map(str::to_ascii_lowercase).collect();
        Some((Origin::Environment(name), path, value))
    });
    let overrides = overrides
        .into_iter()
        .map(|(key, value)| (Origin::CommandLine, key.split('.').map(str::to_owned).collect::<Vec<_>>(), value));
    for (origin, path, text) in environment.chain(overrides) {
        match known.read(&path, &text, &origin) {
            Ok(value) => layers.push(Layer { table: nest(&path, value), origin }),
            Err(mistake) => mistakes.push(mistake),
        }
    }

    if !mistakes.is_empty() {
        bail!(mistakes.join("\n"));
    }
    let merged = layers.iter().cloned().fold(::config::Config::builder(), |all, layer| all.add_source(layer));
    merged.build()?.try_deserialize().map_err(|error| match origin_of(&error, &layers) {
        Some(origin) => anyhow::Error::new(error).context(origin.to_string()),
        None => error.into(),
    })
}

/// Where a value was written.
#[derive(Debug, Clone)]
enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the embedded default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}

/// What one origin says; later layers win.
#[derive(Debug, Clone)]
struct Layer {
    origin: Origin,
    table: toml::Table,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let origin = self.origin.to_string();
        Ok(self.table.iter().map(|(key, value)| (key.clone(), to_config(value, &origin))).collect())
    }
}

/// Who wrote, last, the key that an error is about.
fn origin_of<'a>(error: &ConfigError, layers: &'a [Layer]) -> Option<&'a Origin> {
    let (ConfigError::Type { key: Some(key), .. } | ConfigError::At { key: Some(key), .. }) = error else {
        return None;
    };
    // Lists are replaced whole: `rooms[0].name` is of the layer that wrote `rooms`.
    let key = key.split('[').next().unwrap_or_default();
    let writes = |layer: &&Layer| {
        let mut names = key.split('.');
        let first = names.next().and_then(|name| layer.table.get(name));
        names.try_fold(first, |place, name| place.map(|table| table.get(name))).flatten().is_some()
    };
    layers.iter().rev().find(writes).map(|layer| &layer.origin)
}

fn to_config(value: &toml::Value, origin: &String) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text.clone()),
        toml::Value::Integer(number) => ValueKind::I64(*number),
        toml::Value::Float(number) => ValueKind::Float(*number),
        toml::Value::Boolean(truth) => ValueKind::Boolean(*truth),
        toml::Value::Datetime(moment) => ValueKind::String(moment.to_string()),
        toml::Value::Array(items) => ValueKind::Array(items.iter().map(|item| to_config(item, origin)).collect()),
        toml::Value::Table(table) => {
            ValueKind::Table(table.iter().map(|(key, value)| (key.clone(), to_config(value, origin))).collect())
        }
    };
    Value::new(Some(origin), kind)
}

fn read(path: &Path) -> anyhow::Result<toml::Table> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
    parse(&text).with_context(|| format!("{name} is not TOML"))
}

/// The parser's own words are left out but for its message: they quote the line, which may hold a secret.
fn parse(text: &str) -> anyhow::Result<toml::Table> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        anyhow::anyhow!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })
}

fn nest(path: &[String], value: toml::Value) -> toml::Table {
    let nested = path.iter().rev().fold(value, |inner, key| toml::Table::from_iter([(key.clone(), inner)]).into());
    match nested {
        toml::Value::Table(table) => table,
        _ => toml::Table::new(),
    }
}
