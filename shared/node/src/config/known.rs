//! The tree of known keys, read off the embedded default, and the sentences about what does not fit it.

use super::Origin;
use toml::{Table, Value};

/// Every key there is, with an example of its type: the embedded default.
pub(super) struct Known<'a>(&'a Table);

impl<'a> Known<'a> {
    pub(super) fn new(default: &'a Table) -> Self {
        Self(default)
    }

    /// Every key and type of a table against the known ones; one sentence a mistake.
    pub(super) fn check(&self, table: &Table, origin: &Origin) -> Vec<String> {
        let mut mistakes = Vec::new();
        self.check_table(self.0, table, "", origin, &mut mistakes);
        mistakes
    }

    /// A value written as text, by the type that its key has in the default.
    pub(super) fn read(&self, path: &[String], text: &str, origin: &Origin) -> Result<Value, String> {
        let key = path.join(".");
        let mut place = self.0;
        for (depth, name) in path.iter().enumerate() {
            let walked = path.get(..depth).unwrap_or_default().join(".");
            match place.get(name) {
                Some(Value::Table(inner)) if depth + 1 == path.len() => {
                    let example = inner.keys().next().map_or("a key", String::as_str);
                    return Err(format!(
                        "{key}, set by {origin}, is a section: name one of its keys, such as {key}.{example}"
                    ));
                }
                Some(Value::Table(inner)) => place = inner,
                Some(example) if depth + 1 == path.len() => {
                    return from_text(example, text)
                        .map_err(|wanted| format!("{key}, set by {origin}, must be {wanted}"));
                }
                _ => return Err(self.unknown(&key, place, &walked, name, origin)),
            }
        }
        Err(format!("{origin} names no key"))
    }

    fn check_table(&self, known: &Table, given: &Table, path: &str, origin: &Origin, mistakes: &mut Vec<String>) {
        for (name, value) in given {
            let key = join(path, name);
            match known.get(name) {
                None => mistakes.push(self.unknown(&key, known, path, name, origin)),
                Some(Value::Table(inner)) if inner.is_empty() && value.is_table() => {}
                Some(Value::Table(inner)) => match value {
                    Value::Table(value) => self.check_table(inner, value, &key, origin, mistakes),
                    _ => mistakes.push(format!("{key} in {origin} must be a section, written [{key}]")),
                },
                Some(Value::Array(examples)) => self.check_list(examples.first(), value, &key, origin, mistakes),
                Some(example) if fits(example, value) => {}
                Some(example) => mistakes.push(mismatch(&key, origin, kind(example), value)),
            }
        }
    }

    fn check_list(
        &self,
        example: Option<&Value>,
        given: &Value,
        key: &str,
        origin: &Origin,
        mistakes: &mut Vec<String>,
    ) {
        let Value::Array(items) = given else {
            mistakes.push(mismatch(key, origin, "a list", given));
            return;
        };
        for (index, item) in items.iter().enumerate() {
            let place = format!("{key}[{index}]");
            match (example, item) {
                (Some(Value::Table(known)), Value::Table(given)) => {
                    self.check_table(known, given, &place, origin, mistakes);
                }
                (Some(example), item) if !fits(example, item) => {
                    mistakes.push(mismatch(&place, origin, kind(example), item));
                }
                _ => {}
            }
        }
    }

    fn unknown(&self, key: &str, siblings: &Table, path: &str, name: &str, origin: &Origin) -> String {
        let hint = match self.nearest(siblings, path, name) {
            Some(meant) => format!("did you mean {meant}?"),
            None if path.is_empty() => format!("the sections are {}", list(siblings)),
            None => format!("the keys of [{path}] are {}", list(siblings)),
        };
        match origin {
            Origin::File(_) | Origin::Default => format!("unknown key {key} in {origin}: {hint}"),
            Origin::Environment(_) | Origin::CommandLine => format!("unknown key {key}, set by {origin}: {hint}"),
        }
    }

    /// A sibling spelled almost so, else the same name elsewhere, else one elsewhere spelled almost so.
    fn nearest(&self, siblings: &Table, path: &str, name: &str) -> Option<String> {
        let close = |candidate: &str| {
            let distance = edit_distance(candidate, name);
            (distance <= 1 + name.len() / 4).then_some(distance)
        };
        let sibling = siblings.keys().filter_map(|key| Some((close(key)?, key))).min();
        if let Some((_, key)) = sibling {
            return Some(join(path, key));
        }
        let mut everywhere = Vec::new();
        paths(self.0, "", &mut everywhere);
        let last = |path: &str| path.rsplit('.').next().and_then(close);
        everywhere.into_iter().filter_map(|path| Some((last(&path)?, path))).min().map(|(_, path)| path)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn list(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn paths(table: &Table, path: &str, all: &mut Vec<String>) {
    for (name, value) in table {
        let key = join(path, name);
        if let Value::Table(inner) = value {
            paths(inner, &key, all);
        }
        all.push(key);
    }
}

fn fits(example: &Value, given: &Value) -> bool {
    example.same_type(given) || matches!((example, given), (Value::Float(_), Value::Integer(_)))
}

fn mismatch(key: &str, origin: &Origin, wanted: &str, given: &Value) -> String {
    format!("{key} in {origin} must be {wanted}, not {}", kind(given))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Reads `text` as the type of `example`; the error names that type.
fn from_text(example: &Value, text: &str) -> Result<Value, &'static str> {
    let trimmed = text.trim();
    match example {
        Value::String(_) | Value::Datetime(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => trimmed.parse().map(Value::Integer).map_err(|_| "a whole number"),
        Value::Float(_) => trimmed.parse().map(Value::Float).map_err(|_| "a number"),
        Value::Boolean(_) => trimmed.parse().map(Value::Boolean).map_err(|_| "true or false"),
        Value::Array(items) => {
            let example = items.first().cloned().unwrap_or(Value::String(String::new()));
            if trimmed.is_empty() && !example.is_table() {
                return Ok(Value::Array(Vec::new()));
            }
            let items: Result<Vec<_>, _> = trimmed.split(',').map(|item| from_text(&example, item.trim())).collect();
            items.map(Value::Array)
        }
        Value::Table(_) => Err("written in a configuration file, where lists of tables can be"),
    }
}

/// How many characters to insert, remove or change to get from one word to the other.
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for (above, b) in row.windows(2).zip(&other) {
            let [diagonal, up] = above else { continue };
            left = (diagonal + usize::from(a != *b)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
