//! Counting tests from what their runners print at the end.

use std::fmt;

/// Tests over all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Takes in one line: cargo's `test result: ok. 3 passed; 0 failed; …`, node's `ℹ pass 3` and `ℹ fail 0` (`#`
    /// in its TAP form), or a plain `3 passed, 0 failed`. Anything else counts nothing.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            let counts = rest.split_once(". ").map_or("", |(_, counts)| counts);
            self.add(counts.split("; "));
        } else if let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) {
            match rest.split_once(' ') {
                Some(("pass", number)) => self.passed += number.parse::<u64>().unwrap_or(0),
                Some(("fail", number)) => self.failed += number.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        } else if let [passed, failed] = line.split(", ").collect::<Vec<_>>()[..]
            && passed.ends_with(" passed")
            && failed.ends_with(" failed")
        {
            self.add([passed, failed].into_iter());
        }
    }

    fn add<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse::<u64>().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(text: &str) -> String {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.read(line));
        tally.to_string()
    }

    #[test]
    fn cargos_runs_add_up() {
        let text = "test a ... ok\n\
            test result: ok. 29 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(tally(text), "30 passed, 2 failed");
    }

    #[test]
    fn nodes_reporters_add_up() {
        assert_eq!(tally("ℹ tests 12\nℹ pass 11\nℹ fail 1\n# pass 4\n# fail 0\n# skipped 0"), "15 passed, 1 failed");
    }

    #[test]
    fn a_plain_line_counts_and_prose_does_not() {
        assert_eq!(tally("7 passed, 0 failed\nit passed, or it failed\npass 3\nok 1 passed"), "7 passed, 0 failed");
    }
}
