//! The section `[store]`: where messages are kept.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where messages are kept, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` or `mysql://…`; it may hold a password. Empty for the default.
    pub url: SecretString,
    /// A file that holds the URL instead.
    pub url_file: PathBuf,
    /// Connections that read.
    pub connections: u32,
    /// Start with a database that may lose what it has acknowledged when its machine fails.
    pub allow_weaker_durability: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { url: SecretString::default(), url_file: PathBuf::new(), connections: 4, allow_weaker_durability: false }
    }
}

/// Which engine, and where.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Mysql(SecretString),
}

impl Config {
    /// Whether a place is named.
    pub fn is_set(&self) -> bool {
        !self.url.expose_secret().is_empty() || !self.url_file.as_os_str().is_empty()
    }

    /// Whether several processes may share it: an SQLite file belongs to one.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn is_shared(&self) -> Result<bool, crate::OpenError> {
        Ok(self.is_set() && matches!(self.place(Path::new(""))?, Place::Mysql(_)))
    }

    /// Where it is; without a URL an SQLite file in the data directory.
    pub(crate) fn place(&self, data_dir: &Path) -> Result<Place, crate::OpenError> {
        let read;
        let url = if self.url_file.as_os_str().is_empty() {
            self.url.expose_secret().trim()
        } else {
            let unreadable = |error| crate::OpenError::Url(format!("{}: {error}", self.url_file.display()).into());
            read = std::fs::read_to_string(&self.url_file).map_err(unreadable)?;
            read.trim()
        };
        if url.is_empty() {
            return Ok(Place::Sqlite(data_dir.join("im.sqlite")));
        }
        match url.split_once(':') {
            Some(("sqlite", path)) if !path.trim_start_matches('/').is_empty() => {
                Ok(Place::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
            }
            Some(("mysql" | "mariadb", rest)) if rest.starts_with("//") => Ok(Place::Mysql(url.into())),
            // The rest may hold a password.
            Some((scheme, _)) => Err(crate::OpenError::Url(format!("{scheme}:…").into())),
            None => Err(crate::OpenError::Url("something without a scheme".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<String, String> {
        let config = Config { url: url.into(), ..Config::default() };
        match config.place(Path::new("data")) {
            Ok(Place::Sqlite(path)) => Ok(path.display().to_string()),
            Ok(Place::Mysql(url)) => Ok(url.expose_secret().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_url_names_an_engine_and_without_one_it_is_a_file_of_ones_own() {
        assert_eq!(place("").unwrap(), "data/im.sqlite");
        assert_eq!(place("sqlite:a/b.db").unwrap(), "a/b.db");
        assert_eq!(place("sqlite:///var/im.db").unwrap(), "/var/im.db");
        assert_eq!(place("mysql://im:x@db/im").unwrap(), "mysql://im:x@db/im");
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for url in ["im.db", "postgres://im:secret@db/im", "sqlite:", "mysql:im:secret@db"] {
            let refused = place(url).unwrap_err();
            assert!(refused.starts_with("store.url is") && !refused.contains("secret"), "{refused}");
        }
    }
}
