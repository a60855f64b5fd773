//! Configurations with which a server must not start, and what it says instead.

use super::testing::*;
use super::{Config, Cookie, Error, Key, Mode, SecretError, Verifier, read_secret};
use std::path::{Path, PathBuf};

fn refusal(config: &Config) -> String {
    Verifier::new(config, address("127.0.0.1:7001")).err().unwrap().to_string()
}

#[test]
fn dev_mode_starts_on_a_loopback_address_only() {
    let config = Config { mode: Mode::Dev, ..Config::default() };
    for listener in ["127.0.0.1:7001", "127.0.0.5:0", "[::1]:7001"] {
        assert!(Verifier::new(&config, address(listener)).is_ok(), "{listener}");
    }
    for listener in ["0.0.0.0:7001", "[::]:7001", "192.168.1.9:7001"] {
        let refusal = Verifier::new(&config, address(listener)).err().unwrap().to_string();
        assert!(refusal.contains(listener) && refusal.contains("auth.mode = \"token\""), "{refusal}");
    }
}

#[test]
fn token_mode_does_not_start_without_a_key() {
    let nothing = Config::default();
    assert_eq!(nothing.mode, Mode::Token);
    assert!(refusal(&nothing).contains("write auth.secret, auth.secret_file or [[auth.keys]]"));
}

#[test]
fn token_mode_does_not_start_with_a_short_or_published_secret_anywhere() {
    let token = |config: Config| Verifier::new(&config, address("0.0.0.0:7001")).err();
    for (secret, is_short) in [("hunter2", true), ("changemechangemechangemechangeme", false)] {
        let named = Config { keys: vec![key("k", secret)], ..token_config() };
        let cookie = Cookie { signed: true, secret: secret.into(), ..Cookie::default() };
        for config in
            [Config { secret: secret.into(), ..Config::default() }, named, Config { cookie, ..token_config() }]
        {
            match token(config) {
                Some(Error::Secret(SecretError::Short { .. })) => assert!(is_short),
                Some(Error::Secret(SecretError::Published { .. })) => assert!(!is_short),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_secret_can_stand_in_a_file() {
    let path = std::env::temp_dir().join(format!("im-secret-{}", std::process::id()));
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    let config = Config { secret_file: path.clone(), ..Config::default() };
    let verifier = token_mode(&config);
    let token = token(&serde_json::json!({ "sub": "m7", "exp": NOW + 60 }), SECRET);
    assert!(verify(&verifier, &format!("token={token}")).is_ok());
    std::fs::write(&path, "short\n").unwrap();
    assert!(refusal(&config).contains("shorter than 32 bytes"));
    std::fs::remove_file(&path).unwrap();
    assert!(refusal(&config).contains("cannot be read"));
}

#[test]
fn keys_must_be_told_apart_and_be_keys() {
    let with = |keys: Vec<Key>| refusal(&Config { keys, ..token_config() });
    assert!(with(vec![key("", SECRET)]).contains("has no id"));
    assert!(with(vec![key("a", SECRET), key("a", OTHER)]).contains("\"a\" twice"));
    assert!(with(vec![key("a", "")]).contains("exactly one of"));
    let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    assert!(with(vec![Key { public_key: public.into(), ..key("a", SECRET) }]).contains("exactly one of"));
    let not_on_the_curve = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for public_key in ["x", "AAAA", not_on_the_curve, "-----BEGIN RSA PUBLIC KEY-----"] {
        let refusal = with(vec![Key { public_key: public_key.into(), ..key("a", "") }]);
        assert!(refusal.contains("no Ed25519 key"), "{public_key}: {refusal}");
    }
}

#[test]
fn a_signed_cookie_needs_a_secret_of_its_own() {
    let with = |cookie: Cookie| refusal(&Config { cookie, ..token_config() });
    assert!(with(Cookie { signed: true, ..Cookie::default() }).contains("write auth.cookie.secret"));
    let same = Cookie { signed: true, secret: SECRET.into(), ..Cookie::default() };
    assert!(with(same).contains("write another one"));
    assert!(with(Cookie { name: "a=b".into(), ..Cookie::default() }).contains("auth.cookie.name"));
}

#[test]
fn keys_that_do_not_exist_are_refused_and_secrets_are_not_printed() {
    let read = |json: &str| serde_json::from_str::<Config>(json);
    assert!(read(r#"{"mod": "dev"}"#).is_err());
    assert!(read(r#"{"mode": "none"}"#).is_err());
    assert!(read(r#"{"cookie": {"sign": true}}"#).is_err());
    let json = format!(r#"{{"mode":"token","secret":"{SECRET}","keys":[{{"id":"k","secret":"{OTHER}"}}]}}"#);
    let printed = format!("{:?}", read(&json).unwrap());
    assert!(!printed.contains(SECRET) && !printed.contains(OTHER), "{printed}");
}

/// Whatever stands as a secret in a document or a configuration of this repository is published.
#[test]
fn no_secret_of_the_documentation_starts_a_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in [root.clone(), root.join("config"), root.join("deploy")] {
        collect(&folder, folder != root, &mut files);
    }
    assert!(files.iter().any(|file| file.ends_with("config/imserver.toml")), "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for secret in secrets_in(&text) {
            let judged = read_secret("secret", &secret.into(), Path::new(""));
            assert!(judged.is_err(), "{} shows a secret that would be accepted", file.display());
        }
    }
}

#[test]
fn secrets_are_found_in_documents() {
    let text = "secret = \"one\"\n#  secret= 'two' # why\nsecret = \"\"\nIM__AUTH__SECRET=three cargo run\nsecret_file = \"no\"";
    assert_eq!(secrets_in(text), ["one", "two", "three"]);
}

fn secrets_in(text: &str) -> Vec<&str> {
    let values = text.lines().filter_map(|line| {
        let (before, value) = line.split_once('=')?;
        let name = before.split_whitespace().last()?.to_ascii_lowercase();
        let value = value.trim_start().split(['"', '\'', ' ', '`']).find(|part| !part.is_empty())?;
        (name == "secret" || name.ends_with("_secret")).then_some(value)
    });
    values.collect()
}

fn collect(folder: &Path, whole: bool, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_document =
            path.extension().is_some_and(|ext| ["md", "toml", "env", "yml", "yaml"].iter().any(|e| ext == *e));
        if path.is_dir() && whole {
            collect(&path, whole, files);
        } else if path.is_file() && is_document {
            files.push(path);
        }
    }
}
