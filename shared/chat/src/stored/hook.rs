//! The hook that sees every text before it is kept: words that must not be said, spam.

use types::UserKey;

/// What becomes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hooked {
    Pass,
    /// This is kept instead.
    Replace(String),
    /// Nothing is kept; the sender is told this sentence.
    Refuse(String),
}

/// Sees texts before they are kept. Called on the path of every message: it must not wait for anything.
pub trait Hook: Send + Sync {
    fn check(&self, from: &UserKey, to: &UserKey, text: &str) -> Hooked;
}

/// Lets every text pass.
impl Hook for () {
    fn check(&self, _: &UserKey, _: &UserKey, _: &str) -> Hooked {
        Hooked::Pass
    }
}

/// A list of words, each on a line; what begins with `#` is a remark. A word that stands after `!` refuses the text, any
/// other is covered with stars. Capitals count as small letters.
pub struct WordList {
    words: Vec<Word>,
}

struct Word {
    /// In small letters.
    letters: Vec<char>,
    refuses: bool,
}

impl WordList {
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let word = |line: &str| {
            let (refuses, word) = line.strip_prefix('!').map_or((false, line), |word| (true, word.trim()));
            Word { letters: small(word).collect(), refuses }
        };
        Self { words: lines.map(word).filter(|word| !word.letters.is_empty()).collect() }
    }
}

impl Hook for WordList {
    fn check(&self, _: &UserKey, _: &UserKey, text: &str) -> Hooked {
        let letters: Vec<char> = text.chars().collect();
        // Of each letter its small form, if that is one letter: else it stays, so that places agree.
        let smalls: Vec<char> = letters.iter().map(|letter| one_small(*letter)).collect();
        let mut covered = vec![false; letters.len()];
        for word in &self.words {
            let places = smalls.windows(word.letters.len()).enumerate().filter(|(_, part)| *part == word.letters);
            for (place, _) in places {
                if word.refuses {
                    return Hooked::Refuse("this message has words that are not sent here".to_owned());
                }
                covered[place..place + word.letters.len()].fill(true);
            }
        }
        if !covered.contains(&true) {
            return Hooked::Pass;
        }
        let cover = |(letter, covered): (char, bool)| if covered { '*' } else { letter };
        Hooked::Replace(letters.into_iter().zip(covered).map(cover).collect())
    }
}

fn small(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(one_small)
}

fn one_small(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(small), None) => small,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, text: &str) -> Hooked {
        let user: UserKey = "8".parse().unwrap();
        WordList::parse(list).check(&user, &user, text)
    }

    #[test]
    fn words_are_covered_wherever_they_stand() {
        let list = "# shops do not like\n加微信\nSpam\n\n";
        assert_eq!(check(list, "请加微信 12"), Hooked::Replace("请*** 12".into()));
        assert_eq!(check(list, "sPAM spam, SPAMMER"), Hooked::Replace("**** ****, ****MER".into()));
        assert_eq!(check(list, "加 微信"), Hooked::Pass);
        assert_eq!(check(list, ""), Hooked::Pass);
        assert_eq!(check("", "加微信"), Hooked::Pass);
    }

    #[test]
    fn a_word_after_a_sign_refuses_the_text() {
        assert!(matches!(check("!bomb\nspam", "spam and BOMB"), Hooked::Refuse(_)));
        assert_eq!(check("!", "!"), Hooked::Pass);
    }

    #[test]
    fn letters_that_grow_when_small_do_not_move_the_cover() {
        assert_eq!(check("x", "İx"), Hooked::Replace("İ*".into()));
    }
}
