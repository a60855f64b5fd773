//! What the runs came to: medians side by side, and every run as a line of JSON.

use super::scenario::{Best, Figure, Scenario};
use super::site::Kind;
use crate::median;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

pub(super) struct Table {
    kinds: Vec<Kind>,
    /// In the order in which they came first.
    rows: Vec<Row>,
    /// One object a run.
    lines: String,
}

struct Row {
    load: String,
    figure: &'static str,
    best: Best,
    /// The same figure with one process, to be compared with.
    alone: Option<String>,
    values: Vec<(Kind, f64)>,
}

impl Table {
    pub(super) fn new(kinds: Vec<Kind>) -> Self {
        Self { kinds, rows: Vec::new(), lines: String::new() }
    }

    pub(super) fn add(&mut self, scenario: &Scenario, kind: Kind, figures: Vec<Figure>) {
        let load = scenario.name();
        let mut line = json!({"load": load, "server": kind.name()});
        for Figure { name, value, best } in figures {
            line[name] = json!(value);
            let at = self.rows.iter().position(|row| row.load == load && row.figure == name);
            let at = at.unwrap_or_else(|| {
                let alone = scenario.alone().map(|alone| alone.name());
                self.rows.push(Row { load: load.clone(), figure: name, best, alone, values: Vec::new() });
                self.rows.len() - 1
            });
            self.rows[at].values.push((kind, value));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.lines, "{line}");
    }

    /// Writes all runs so far.
    pub(super) fn keep(&self, file: &Path) -> anyhow::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(file, &self.lines)?)
    }

    /// As a table of Markdown.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("| load | figure |");
        for (number, kind) in self.kinds.iter().enumerate() {
            let _ = write!(text, " {} |{}", kind.name(), if number == 0 { "" } else { " × |" });
        }
        let columns = 1 + 2 * self.kinds.len();
        let _ = write!(text, "\n|{}\n", " --- |".repeat(columns));
        for row in &self.rows {
            let of = |kind: Kind| row.of(kind);
            self.write(&mut text, &row.load, row.figure, row.best, &of);
        }
        for row in self.rows.iter().filter(|row| row.best == Best::Least && row.figure != "p99 ms") {
            let alone = |other: &&Row| Some(&other.load) == row.alone.as_ref() && other.figure == row.figure;
            if let Some(alone) = self.rows.iter().find(alone) {
                let of = |kind: Kind| Some(row.of(kind)? / alone.of(kind)?);
                self.write(&mut text, &format!("{} against 1", row.load), row.figure, Best::Least, &of);
            }
        }
        text
    }

    fn write(&self, text: &mut String, load: &str, figure: &str, best: Best, of: &dyn Fn(Kind) -> Option<f64>) {
        let _ = write!(text, "| {load} | {figure} |");
        let first = self.kinds.first().and_then(|kind| of(*kind));
        for (number, kind) in self.kinds.iter().enumerate() {
            let value = of(*kind);
            let _ = write!(text, " {} |", value.map_or_else(|| "–".into(), shown));
            if number > 0 {
                let _ = write!(text, " {} |", ratio(best, first, value));
            }
        }
        text.push('\n');
    }
}

impl Row {
    /// Nothing if the server never came to an end with this load.
    fn of(&self, kind: Kind) -> Option<f64> {
        let values: Vec<f64> = self.values.iter().filter(|(of, _)| *of == kind).map(|(_, value)| *value).collect();
        match self.best {
            _ if values.is_empty() => None,
            Best::Zero => Some(values.iter().sum()),
            Best::Least | Best::Most => Some(median(values.into_iter())),
        }
    }
}

/// How many times better the first is.
fn ratio(best: Best, first: Option<f64>, other: Option<f64>) -> String {
    match (best, first, other) {
        (Best::Least, Some(first), Some(other)) if first > 0.0 => format!("{:.1}", other / first),
        (Best::Most, Some(first), Some(other)) if other > 0.0 => format!("{:.1}", first / other),
        _ => String::new(),
    }
}

fn shown(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_stand_beside_how_many_times_better_the_first_is() {
        let mut table = Table::new(vec![Kind::Imserver, Kind::Socketio]);
        for cost in [9.0, 10.0, 30.0] {
            table.add(&Scenario::Idle, Kind::Imserver, vec![Figure::least("cost", cost), Figure::zero("lost", 0.0)]);
        }
        table.add(&Scenario::Idle, Kind::Socketio, vec![Figure::least("cost", 25.0), Figure::zero("lost", 4.0)]);
        let text = "| load | figure | imserver | socket.io 4.8 | × |\n| --- | --- | --- | --- | --- |\n\
                    | idle over Redis | cost | 10 | 25 | 2.5 |\n| idle over Redis | lost | 0 | 4 |  |\n";
        assert_eq!(table.text(), text);
    }
}
