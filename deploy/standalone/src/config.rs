//! The configuration of the one process: each tier's own, under its name.

use anyhow::Context;
use serde::Deserialize;

const STANDALONE: &str = include_str!("../../../config/standalone.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) imserver: imserver::Config,
}

/// Loads it: the tiers' defaults, `config/standalone.toml` over them, then file, environment and flags.
pub(crate) fn load(args: &node::Args) -> anyhow::Result<Config> {
    // Flags name the keys of a tier; the site IM is the one they mean.
    let overrides = args.overrides().into_iter().map(|(key, value)| (format!("imserver.{key}"), value)).collect();
    node::config::load(&default()?, args.config.as_deref(), overrides)
}

/// Every key that exists, with its default.
fn default() -> anyhow::Result<String> {
    let mut all = toml::Table::new();
    let tier: toml::Table = imserver::DEFAULT.parse().context("the default of imserver")?;
    all.insert("imserver".into(), tier.into());
    lay_over(&mut all, STANDALONE.parse().context("the default of standalone")?);
    Ok(toml::to_string(&all)?)
}

fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds_every_key_of_the_tiers() {
        let default = default().unwrap();
        let config: Config = node::config::load(&default, None, Vec::new()).unwrap();
        assert_eq!(config.imserver.server.listen.port(), 7001);
        assert_eq!(config.imserver.server.internal_listen.port(), 7005);
        config.imserver.validate().unwrap();
    }
}
