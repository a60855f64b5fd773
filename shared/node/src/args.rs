//! The command line that all servers share. Each flag is another way to write one key of the configuration.

use crate::config;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::process::ExitCode;

/// The shared flags; a server flattens them into its own `clap` struct, which carries its name and version.
///
/// ```
/// #[derive(clap::Parser)]
/// #[command(name = "imserver", version)]
/// struct Cli {
///     #[command(flatten)]
///     node: node::Args,
/// }
/// ```
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Configuration file; what it does not say keeps its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where clients connect, port 0 for any free one (server.listen)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Where /healthz, /readyz and /metrics are served (server.admin_listen)
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Option<String>,
    /// The back ends' and other processes' door (server.internal_listen)
    #[arg(long, value_name = "ADDR")]
    pub internal_listen: Option<String>,
    /// Name of this process, unique in the cluster (server.process_id)
    #[arg(long, value_name = "ID")]
    pub process_id: Option<String>,
    /// Folder for what this process keeps on disk (server.data_dir)
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Node list of the Redis that carries live events between processes (redis.nodes); without it there is one process
    #[arg(long, value_name = "NODES.json")]
    pub redis: Option<String>,
    /// Where messages are kept: sqlite:PATH or mysql://… (store.url); without it a file in the data folder
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// How clients prove who they are: dev or token (auth.mode)
    #[arg(long, value_name = "MODE")]
    pub auth: Option<String>,
    /// Check the configuration, say ok or what is wrong with it, and exit
    #[arg(long)]
    pub check_config: bool,
}

impl Args {
    /// The flags that were given, as keys of the configuration and their values.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let flags = [
            ("server.listen", &self.listen),
            ("server.admin_listen", &self.admin_listen),
            ("server.internal_listen", &self.internal_listen),
            ("server.process_id", &self.process_id),
            ("server.data_dir", &self.data_dir),
            ("redis.nodes", &self.redis),
            ("store.url", &self.store),
            ("auth.mode", &self.auth),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    }

    /// Loads the configuration as [`config::load`] does, from the file and the flags given here.
    ///
    /// # Errors
    /// Sentences for people, one a line.
    pub fn load<T: DeserializeOwned>(&self, default_toml: &str) -> anyhow::Result<T> {
        config::load(default_toml, self.config.as_deref(), self.overrides())
    }
}

/// The end of a `main`: what went wrong goes to standard error as sentences.
pub fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        node: Args,
    }

    #[test]
    fn flags_become_keys_of_the_configuration() {
        let line = "imserver --listen 127.0.0.1:0 --admin-listen 127.0.0.1:1 --internal-listen 127.0.0.1:2 \
                    --process-id im2 --data-dir d --redis n.json --store sqlite:s.db --auth token --config im.toml --check-config";
        let args = Cli::parse_from(line.split_whitespace()).node;
        let expected = [
            ("server.listen", "127.0.0.1:0"),
            ("server.admin_listen", "127.0.0.1:1"),
            ("server.internal_listen", "127.0.0.1:2"),
            ("server.process_id", "im2"),
            ("server.data_dir", "d"),
            ("redis.nodes", "n.json"),
            ("store.url", "sqlite:s.db"),
            ("auth.mode", "token"),
        ];
        assert_eq!(args.overrides(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(args.config, Some(PathBuf::from("im.toml")));
        assert!(args.check_config);
    }

    #[test]
    fn flags_not_given_override_nothing() {
        assert!(Cli::parse_from(["imserver"]).node.overrides().is_empty());
    }
}
