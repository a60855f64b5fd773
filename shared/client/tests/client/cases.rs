//! The scripted cases, run by these rules: what each of them says comes in, comes in; what comes out is compared.

use client::rules::{Bounds, Init, NotQueued, Outgoing, Output, Pace, Refusal, Rules};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;
use types::{ConversationId, UserKey};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Values that cases name with `$`.
    #[serde(default)]
    r#let: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    says: String,
    #[serde(default)]
    bounds: Map<String, Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    #[serde(default)]
    r#in: Value,
    #[serde(default)]
    out: Vec<Value>,
    #[serde(default)]
    then: Map<String, Value>,
}

#[test]
fn every_case_comes_out_as_it_is_written() {
    let mut names = Vec::new();
    let mut wrong = Vec::new();
    for (path, file) in files() {
        for case in &file.cases {
            let name = format!("{path}: {}", case.name);
            assert!(!names.contains(&case.name), "{name} is there twice");
            assert!(case.says.ends_with('.') && !case.steps.is_empty(), "{name} says what it shows");
            if let Err(difference) = play(&file.r#let, case) {
                wrong.push(format!("{name}\n  {}\n{difference}", case.says));
            }
            names.push(case.name.clone());
        }
    }
    assert!(wrong.is_empty(), "\n\n{}\n", wrong.join("\n\n"));
    assert!(names.len() > 40, "the cases are not where they are looked for: {names:?}");
}

#[test]
fn a_case_that_is_wrong_fails_with_the_difference() {
    let case = json!({
        "name": "x", "says": "x.",
        "steps": [
            { "at": 5, "in": { "connected": { "user": "8" } }, "out": [{ "request": { "id": 1, "event": "sync", "payload": {} } }] },
            { "at": 6, "in": { "push": { "event": "typingPush", "payload": { "on": true } } }, "out": [{ "synced": { "reset": false } }] }
        ]
    });
    let said = play(&Map::new(), &serde_json::from_value(case).unwrap()).unwrap_err();
    let expected = concat!(
        "  step 2, at 6\n",
        "  - {\"synced\":{\"reset\":false}}\n",
        "  + {\"event\":{\"event\":\"typingPush\",\"payload\":{\"on\":true}}}"
    );
    assert_eq!(said, expected);
}

fn files() -> Vec<(String, File)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file = serde_json::from_str(&fs::read_to_string(path).unwrap());
        (name.clone(), file.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    paths.iter().map(read).collect()
}

/// Runs a case; what differs, if anything.
fn play(names: &Map<String, Value>, case: &Case) -> Result<(), String> {
    let bound = |name: &str, or: usize| case.bounds.get(name).map_or(or, |value| value.as_u64().unwrap() as usize);
    let bounds = Bounds { entries: bound("entries", 2_000), sends: bound("sends", 1_000) };
    let mut rules = Rules::new(bounds, Pace::exact());
    for (number, step) in case.steps.iter().enumerate() {
        let mut out = Vec::new();
        while let Some(due) = rules.due().filter(|due| *due <= step.at) {
            rules.tick(due, &mut out);
        }
        let mut got: Vec<Value> = Vec::new();
        let refused = put_in(&mut rules, step.at, &resolve(names, &step.r#in), &mut out);
        got.extend(out.iter().map(|output: &Output| serde_json::to_value(output).unwrap()));
        got.extend(refused.map(|why| json!({ "not_queued": why })));
        let expected: Vec<Value> = step.out.iter().map(|value| resolve(names, value)).collect();
        let at = format!("  step {}, at {}\n", number + 1, step.at);
        if got != expected {
            return Err(at + &difference(&expected, &got));
        }
        for (what, expected) in &step.then {
            let got = look(&rules, what, expected);
            if got != *expected {
                return Err(format!("{at}  {what}\n  - {expected}\n  + {got}"));
            }
        }
    }
    Ok(())
}

/// A line for each output: `-` is missing, `+` was not expected.
fn difference(expected: &[Value], got: &[Value]) -> String {
    let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let (expected_end, got_end) = (&expected[same..], &got[same..]);
    let same_end = expected_end.iter().rev().zip(got_end.iter().rev()).take_while(|(a, b)| a == b).count();
    let line = |sign: &'static str| move |value: &Value| format!("  {sign} {value}");
    let mut lines: Vec<String> = expected[..same].iter().map(line(" ")).collect();
    lines.extend(expected_end[..expected_end.len() - same_end].iter().map(line("-")));
    lines.extend(got_end[..got_end.len() - same_end].iter().map(line("+")));
    lines.extend(got_end[got_end.len() - same_end..].iter().map(line(" ")));
    lines.join("\n")
}

/// Puts the values in that are named: `"$m1"`, or `{"$": "m1", …}` with more fields.
fn resolve(names: &Map<String, Value>, value: &Value) -> Value {
    let named = |name: &str| resolve(names, names.get(name).unwrap_or_else(|| panic!("${name} is not defined")));
    match value {
        Value::String(text) => text.strip_prefix('$').map_or_else(|| value.clone(), named),
        Value::Array(list) => list.iter().map(|value| resolve(names, value)).collect(),
        Value::Object(fields) => {
            let mut all = match fields.get("$") {
                Some(name) => named(name.as_str().unwrap()).as_object().unwrap().clone(),
                None => Map::new(),
            };
            for (key, value) in fields.iter().filter(|(key, _)| *key != "$") {
                // A field that is null here is left out.
                match resolve(names, value) {
                    Value::Null => all.remove(key),
                    value => all.insert(key.clone(), value),
                };
            }
            Value::Object(all)
        }
        other => other.clone(),
    }
}

fn put_in(rules: &mut Rules, now: u64, input: &Value, out: &mut Vec<Output>) -> Option<&'static str> {
    let (kind, with) = match input {
        Value::Null => return None,
        Value::String(kind) => (kind.as_str(), &Value::Null),
        Value::Object(fields) => fields.iter().next().map(|(kind, with)| (kind.as_str(), with)).unwrap(),
        other => panic!("not an input: {other}"),
    };
    let text = |key: &str| with[key].as_str().unwrap_or_else(|| panic!("{key} of {input}"));
    let number = |key: &str| with[key].as_u64().unwrap_or_else(|| panic!("{key} of {input}"));
    let conversation = || text("conversation_id").parse::<ConversationId>().unwrap();
    let raw = |value: &Value| to_raw_value(value).unwrap();
    let mut refused = None;
    match kind {
        "connected" => rules.connected(now, serde_json::from_value::<Init>(with.clone()).unwrap(), out),
        "disconnected" => rules.disconnected(now, out),
        "answer" => rules.answered(now, number("id"), Some(&raw(&with["with"])), out),
        "lost" => rules.answered(now, with.as_u64().unwrap(), None, out),
        "push" => rules.pushed(now, text("event"), &raw(&with["payload"]), out),
        "send" => refused = rules.send(outgoing(with, now), out).err(),
        "restore" => {
            let failed = with.get("failed").map(|refusal| serde_json::from_value::<Refusal>(refusal.clone()).unwrap());
            rules.restore(outgoing(with, number("made_at")), failed, out);
        }
        "retry" => refused = rules.retry(now, with.as_str().unwrap(), out).err(),
        "discard" => rules.discard(with.as_str().unwrap(), out),
        "read" => {
            let ids = with["message_ids"].as_array().unwrap().iter();
            let ids: Vec<_> = ids.map(|id| id.as_str().unwrap().parse().unwrap()).collect();
            rules.read(now, conversation(), &ids);
        }
        "load" => rules.load_older(now, number("ticket"), conversation(), number("limit") as usize, out),
        "keep" => rules.keep(conversation(), number("entries") as usize, out),
        "ask" => rules.ask(number("ticket"), text("event"), &raw(&with["payload"]), out),
        other => panic!("no such input: {other}"),
    }
    refused.map(|why| match why {
        NotQueued::Full => "full",
        NotQueued::Name => "name",
        NotQueued::TooOld => "too_old",
    })
}

fn outgoing(with: &Value, made_at: u64) -> Outgoing {
    Outgoing {
        temp_message_id: with["temp_message_id"].as_str().unwrap().into(),
        to_user_id: with["to_user_id"].as_str().unwrap().parse::<UserKey>().unwrap(),
        kind: serde_json::from_value(with["type"].clone()).unwrap(),
        message: to_raw_value(&with["message"]).unwrap(),
        made_at,
    }
}

/// What a step's `then` looks at: `v`, `synced`, or a conversation by its id, of which only what is written is compared.
fn look(rules: &Rules, what: &str, expected: &Value) -> Value {
    match what {
        "v" => json!(rules.version()),
        "synced" => json!(rules.is_synced()),
        id => {
            let Some(view) = rules.view(id.parse().unwrap()) else { return Value::Null };
            let entries: Vec<u64> = view.entries.iter().map(|entry| entry.conv_seq()).collect();
            let all = json!({ "floor": view.floor, "head": view.head, "waiting": view.waiting, "entries": entries });
            let Some(wanted) = expected.as_object() else { return all };
            wanted.keys().map(|key| (key.clone(), all[key].clone())).collect::<Map<_, _>>().into()
        }
    }
}
