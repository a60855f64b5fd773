//! Stages one after the other: each named and timed, none after one that failed, a table at the end.

use crate::tally::Tally;
use anyhow::{Context, bail};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What is to be done, in order.
pub(crate) struct Plan<'a> {
    stages: Vec<Stage<'a>>,
}

struct Stage<'a> {
    name: &'static str,
    work: Work<'a>,
}

type Work<'a> = Box<dyn FnOnce(&mut Tally) -> anyhow::Result<()> + 'a>;

/// How a stage went; `None`: it was not reached.
struct Row {
    name: &'static str,
    outcome: Option<(bool, Duration)>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new() -> Self {
        Self { stages: Vec::new() }
    }

    /// Adds a stage.
    pub(crate) fn stage(
        mut self,
        name: &'static str,
        work: impl FnOnce(&mut Tally) -> anyhow::Result<()> + 'a,
    ) -> Self {
        self.stages.push(Stage { name, work: Box::new(work) });
        self
    }

    /// Adds a stage that runs tests; one that ran none fails.
    pub(crate) fn tests(self, name: &'static str, work: impl FnOnce(&mut Tally) -> anyhow::Result<()> + 'a) -> Self {
        self.stage(name, |tally| {
            let before = tally.clone();
            work(tally)?;
            if tally.passed == before.passed {
                bail!("it ran no test");
            }
            Ok(())
        })
    }

    /// Does it. The last line printed is `N passed, N failed`, where tests were run.
    pub(crate) fn run(self) -> ExitCode {
        if self.carry_out() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Does it, and then becomes the program: whoever started this one has that one under its number from then on, and a
    /// Ctrl-C is the program's own affair.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn run_then_become(self, program: &mut Command) -> anyhow::Result<ExitCode> {
        if !self.carry_out() {
            return Ok(ExitCode::FAILURE);
        }
        println!("$ {}", shown(program));
        Err(program.exec()).with_context(|| format!("{} cannot be started", program.get_program().to_string_lossy()))
    }

    fn carry_out(self) -> bool {
        let begun = Instant::now();
        let mut tally = Tally::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut going = true;
        for stage in self.stages {
            let outcome = going.then(|| {
                println!("\n=== {} ===", stage.name);
                let begun = Instant::now();
                let outcome = (stage.work)(&mut tally);
                if let Err(error) = &outcome {
                    eprintln!("{} failed: {error:#}", stage.name);
                }
                (outcome.is_ok(), begun.elapsed())
            });
            going &= outcome.is_some_and(|(passed, _)| passed);
            rows.push(Row { name: stage.name, outcome });
        }
        print!("\n{}", table(&rows, begun.elapsed()));
        if tally != Tally::default() {
            println!("{tally}");
        }
        going
    }
}

/// Runs a program, shows what it prints and counts the tests it reports.
///
/// # Errors
/// It cannot be started, or it failed.
pub(crate) fn execute(command: &mut Command, tally: &mut Tally) -> anyhow::Result<()> {
    let line = shown(command);
    println!("$ {line}");
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started: is it installed?"))?;
    let output = child.stdout.take().context("the program's output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("reading the program's output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.read(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn table(rows: &[Row], total: Duration) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max("total".len());
    let mut text = String::new();
    for row in rows {
        // Writing to a String cannot fail.
        let _ = match row.outcome {
            Some((passed, time)) => {
                let verdict = if passed { "ok" } else { "FAILED" };
                writeln!(text, "{:width$}  {:>7.1} s  {verdict}", row.name, time.as_secs_f64())
            }
            None => writeln!(text, "{:width$}  {:>7}    not run", row.name, "-"),
        };
    }
    let _ = writeln!(text, "{:width$}  {:>7.1} s", "total", total.as_secs_f64());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn nothing_runs_after_a_stage_that_failed() {
        let later = Cell::new(false);
        let code = Plan::new()
            .stage("first", |_| bail!("broken"))
            .stage("second", |_| {
                later.set(true);
                Ok(())
            })
            .run();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        assert!(!later.get());
    }

    #[test]
    fn a_test_stage_without_tests_fails() {
        let code = Plan::new().tests("tests", |_| Ok(())).run();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        let code = Plan::new()
            .tests("tests", |tally| {
                tally.passed += 1;
                Ok(())
            })
            .run();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn a_program_that_fails_or_does_not_exist_is_named() {
        let mut tally = Tally::default();
        let said = execute(Command::new("sh").args(["-c", "echo 2 passed, 0 failed; exit 3"]), &mut tally);
        assert!(said.unwrap_err().to_string().contains("exit status: 3"));
        assert_eq!(tally.passed, 2);
        let said = execute(&mut Command::new("no-such-program"), &mut tally).unwrap_err().to_string();
        assert!(said.starts_with("no-such-program cannot be started"), "{said}");
    }

    #[test]
    fn the_table_tells_what_was_not_reached() {
        let rows = [
            Row { name: "format", outcome: Some((true, Duration::from_millis(1234))) },
            Row { name: "clippy", outcome: Some((false, Duration::from_secs(61))) },
            Row { name: "e2e", outcome: None },
        ];
        let text = table(&rows, Duration::from_secs(63));
        let expected =
            "format      1.2 s  ok\nclippy     61.0 s  FAILED\ne2e           -    not run\ntotal      63.0 s\n";
        assert_eq!(text, expected);
    }
}
