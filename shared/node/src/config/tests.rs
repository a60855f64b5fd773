//! Layers, types and the sentences.

use super::load_with;
use serde::Deserialize;
use std::path::Path;

const DEFAULT: &str = r#"
[server]
listen = "127.0.0.1:7001"
drain_ms = 10000
ratio = 0.5

[engine]
eio3 = true
transports = ["polling", "websocket"]
ports = [1]

[engine.cors]
origins = []

[auth]
mode = "dev"
secret = ""

[[rooms]]
name = "lobby"
members = ["m7"]

[labels]
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    server: Server,
    engine: Engine,
    auth: Auth,
    rooms: Vec<Room>,
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: std::net::SocketAddr,
    drain_ms: u16,
    ratio: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Engine {
    eio3: bool,
    transports: Vec<String>,
    ports: Vec<u16>,
    cors: Cors,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cors {
    origins: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    mode: Mode,
    secret: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Dev,
    Token,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    name: String,
    members: Vec<String>,
}

/// A file that goes away with the test.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("node-config-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn load(file: Option<&File>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> anyhow::Result<Whole> {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    load_with(DEFAULT, file.map(|file| file.0.as_path()), owned(environment).into_iter(), owned(flags))
}

fn refusal(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    // Named by the test that asks, so that tests at the same time do not meet.
    let name = std::thread::current().name().unwrap_or("main").replace(':', "-");
    let file = File::new(&name, text);
    let said = format!("{:#}", load(Some(&file), environment, flags).unwrap_err());
    said.replace(&file.0.display().to_string(), "FILE")
}

#[test]
fn the_default_alone_is_a_configuration() {
    let whole = load(None, &[("PATH", "/bin"), ("IM", "x")], &[]).unwrap();
    assert_eq!(whole.server.listen.port(), 7001);
    assert_eq!(whole.rooms, [Room { name: "lobby".into(), members: vec!["m7".into()] }]);
    assert_eq!((whole.auth.mode, whole.auth.secret.as_str()), (Mode::Dev, ""));
}

#[test]
fn the_file_beats_the_default_the_environment_the_file_and_a_flag_all() {
    let file = File::new(
        "layers",
        "[server]\nlisten = \"127.0.0.1:1\"\ndrain_ms = 1\nratio = 2\n[engine.cors]\norigins = [\"https://a.example\"]",
    );
    let environment = [("IM__SERVER__LISTEN", "127.0.0.1:2"), ("IM__SERVER__DRAIN_MS", "2")];
    let whole = load(Some(&file), &environment, &[("server.listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(whole.server.listen.port(), 3);
    assert_eq!(whole.server.drain_ms, 2);
    assert!((whole.server.ratio - 2.0).abs() < f64::EPSILON);
    assert_eq!(whole.engine.cors.origins, ["https://a.example"]);
    assert_eq!(whole.engine.transports, ["polling", "websocket"]);
}

#[test]
fn a_list_in_the_file_replaces_the_default_and_a_free_table_takes_any_key() {
    let file = File::new(
        "lists",
        "engine.transports = [\"websocket\"]\nlabels.zone = \"a\"\n[[rooms]]\nname = \"r\"\nmembers = []\n",
    );
    let whole = load(Some(&file), &[], &[]).unwrap();
    assert_eq!(whole.engine.transports, ["websocket"]);
    assert_eq!(whole.rooms, [Room { name: "r".into(), members: vec![] }]);
    assert_eq!(whole.labels["zone"], "a");
}

#[test]
fn the_environment_reaches_nested_tables_lists_numbers_and_truths() {
    let environment = [
        ("IM__ENGINE__CORS__ORIGINS", "https://a.example, https://b.example"),
        ("IM__ENGINE__TRANSPORTS", ""),
        ("IM__ENGINE__PORTS", "1,2"),
        ("IM__ENGINE__EIO3", "false"),
        ("IM__SERVER__RATIO", "0.25"),
        ("IM__AUTH__SECRET", "12345, as it is"),
    ];
    let whole = load(None, &environment, &[]).unwrap();
    assert_eq!(whole.engine.cors.origins, ["https://a.example", "https://b.example"]);
    assert!(whole.engine.transports.is_empty());
    assert_eq!(whole.engine.ports, [1, 2]);
    assert!(!whole.engine.eio3);
    assert!((whole.server.ratio - 0.25).abs() < f64::EPSILON);
    assert_eq!(whole.auth.secret, "12345, as it is");
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    for (text, said) in [
        ("[server]\nlissten = \"x\"", "unknown key server.lissten in FILE: did you mean server.listen?"),
        ("listen = \"x\"", "unknown key listen in FILE: did you mean server.listen?"),
        (
            "[engine]\nqqqq = 1",
            "unknown key engine.qqqq in FILE: the keys of [engine] are eio3, transports, ports, cors",
        ),
        ("[zzzzzzzz]\na = 1", "unknown key zzzzzzzz in FILE: the sections are server, engine, auth, rooms, labels"),
        ("[[rooms]]\nnam = \"x\"", "unknown key rooms[0].nam in FILE: did you mean rooms[0].name?"),
    ] {
        assert_eq!(refusal(text, &[], &[]), said);
    }
    assert_eq!(
        refusal("", &[("IM__SERVER__DRAIN", "1")], &[("auth.mod", "dev")]),
        "unknown key server.drain, set by the environment variable IM__SERVER__DRAIN: \
         the keys of [server] are listen, drain_ms, ratio\n\
         unknown key auth.mod, set by the command line: did you mean auth.mode?"
    );
}

#[test]
fn a_value_of_another_type_is_refused_without_repeating_it() {
    for (text, said) in [
        ("[server]\ndrain_ms = \"hidden\"", "server.drain_ms in FILE must be a whole number, not a string in quotes"),
        ("[server]\nlisten = 7001", "server.listen in FILE must be a string in quotes, not a whole number"),
        ("[engine]\ntransports = \"hidden\"", "engine.transports in FILE must be a list, not a string in quotes"),
        ("[engine]\ntransports = [1]", "engine.transports[0] in FILE must be a string in quotes, not a whole number"),
        ("server = 1", "server in FILE must be a section, written [server]"),
    ] {
        assert_eq!(refusal(text, &[], &[]), said);
    }
    for (name, said) in [
        ("IM__SERVER__DRAIN_MS", "server.drain_ms, set by the environment variable NAME, must be a whole number"),
        ("IM__ENGINE__EIO3", "engine.eio3, set by the environment variable NAME, must be true or false"),
        ("IM__ENGINE__PORTS", "engine.ports, set by the environment variable NAME, must be a whole number"),
        (
            "IM__ROOMS",
            "rooms, set by the environment variable NAME, must be written in a configuration file, where lists of \
             tables can be",
        ),
        (
            "IM__ENGINE__CORS",
            "engine.cors, set by the environment variable NAME, is a section: name one of its keys, such as \
             engine.cors.origins",
        ),
    ] {
        assert_eq!(refusal("", &[(name, "hidden")], &[]), said.replace("NAME", name));
    }
}

#[test]
fn what_only_the_type_of_the_section_knows_is_refused_with_key_and_place() {
    for (text, words) in [
        ("[server]\ndrain_ms = 70000", ["server.drain_ms", "FILE"]),
        ("[auth]\nmode = \"none\"", ["auth.mode", "FILE"]),
        ("[server]\nlisten = \"nowhere\"", ["server.listen", "FILE"]),
    ] {
        let said = refusal(text, &[], &[]);
        for word in words {
            assert!(said.contains(word), "{said}");
        }
    }
}

#[test]
fn a_file_that_is_missing_or_broken_is_named_and_its_lines_are_not_quoted() {
    let said = refusal("[auth]\nsecret = \"hidden", &[], &[]);
    assert!(said.starts_with("FILE is not TOML: line 2: "), "{said}");
    assert!(!said.contains("hidden"), "{said}");
    let missing = Path::new("no/such/file.toml");
    let error = load_with::<Whole>(DEFAULT, Some(missing), std::iter::empty(), vec![]).unwrap_err();
    assert!(format!("{error:#}").starts_with("no/such/file.toml cannot be read: "));
}
