//! Search: texts as words that the full-text indices of both engines take, and what is looked for in the same words.
//!
//! A text is cut into pairs of neighbouring letters, each pair one plain word. So any part of a text of two letters or more
//! is a phrase, in Chinese as in English, and neither engine needs to know a language. Who may see a message, and in which
//! conversation it is, are words too.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use types::{ConversationId, MessageId, MessageType, UserKey};

/// Messages in the order of their ids: above the one, below the other, at most so many.
pub(crate) const TO_INDEX: &str =
    "SELECT m.message_id, m.conversation_id, m.kind, m.body, c.first, c.second FROM messages m
    JOIN conversations c ON c.conversation_id = m.conversation_id
    WHERE m.message_id > ? AND m.message_id < ? ORDER BY m.message_id LIMIT ?";

/// A message on its way into the index.
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) conversation: i64,
    pub(crate) kind: u8,
    /// JSON.
    pub(crate) body: String,
    pub(crate) users: [String; 2],
}

/// Letters of a text that are indexed: a longer one is found by its beginning.
const MOST_LETTERS: usize = 4_000;

/// Stands between runs of letters, so that no phrase reaches across. Longer than the shortest word that an index takes.
const GAP: &str = "gapz";

/// The words of a message; nothing if there is no text in it.
pub(crate) fn of_message(message: &Message) -> Option<String> {
    let kind = MessageType::from_number(message.kind)?;
    let text = text_of(kind, &message.body)?;
    let mut words = conversation(ConversationId::from_i64(message.conversation));
    for user in &message.users {
        words.push(' ');
        words.push_str(&user_word(user));
    }
    for run in runs(&text) {
        let last = run.last().map(|letter| beginning(*letter));
        // The last letter begins no pair: it is a word alone.
        for word in pairs(&run).into_iter().chain(last).chain([GAP.to_owned()]) {
            words.push(' ');
            words.push_str(&word);
        }
    }
    Some(words)
}

/// What a person would look for: the text, or the names that an object carries.
fn text_of(kind: MessageType, body: &str) -> Option<String> {
    if kind.is_text() {
        return serde_json::from_str(body).ok();
    }
    let object: serde_json::Value = serde_json::from_str(body).ok()?;
    let names = ["title", "name", "text"].into_iter().filter_map(|key| object.get(key)?.as_str());
    let text = names.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// A search as terms, all of which a message must have. Nothing if there is no letter in it.
pub(crate) struct Search {
    terms: Vec<Term>,
}

enum Term {
    Word(String),
    Phrase(Vec<String>),
    Beginning(String),
}

impl Search {
    pub(crate) fn of(text: &str, user: &UserKey, within: Option<ConversationId>) -> Option<Self> {
        let runs = runs(text);
        if runs.is_empty() {
            return None;
        }
        let mut terms = vec![Term::Word(user_word(user.as_str()))];
        terms.extend(within.map(|id| Term::Word(conversation(id))));
        terms.extend(runs.iter().map(|run| match run.as_slice() {
            [letter] => Term::Beginning(beginning(*letter)),
            _ => Term::Phrase(pairs(run)),
        }));
        Some(Self { terms })
    }

    /// As SQLite's FTS5 takes it.
    pub(crate) fn fts5(&self) -> String {
        let term = |term: &Term| match term {
            Term::Word(word) => word.clone(),
            Term::Phrase(words) => format!("\"{}\"", words.join(" ")),
            Term::Beginning(word) => format!("{word}*"),
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(" AND ")
    }

    /// As MariaDB's boolean mode takes it.
    pub(crate) fn boolean(&self) -> String {
        let term = |term: &Term| match term {
            Term::Word(word) => format!("+{word}"),
            Term::Phrase(words) => format!("+\"{}\"", words.join(" ")),
            Term::Beginning(word) => format!("+{word}*"),
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(" ")
    }
}

fn conversation(id: ConversationId) -> String {
    format!("cid{id}")
}

fn user_word(user: &str) -> String {
    let mut word = "uid".to_owned();
    for byte in &Sha256::digest(user.as_bytes())[..8] {
        // Writing to a String cannot fail.
        let _ = write!(word, "{byte:02x}");
    }
    word
}

/// Letters and digits that stand together, small.
fn runs(text: &str) -> Vec<Vec<char>> {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for letter in text.chars().flat_map(char::to_lowercase).take(MOST_LETTERS) {
        if letter.is_alphanumeric() {
            run.push(letter);
        } else if !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

/// Each letter with the next.
fn pairs(run: &[char]) -> Vec<String> {
    run.windows(2).map(|pair| format!("w{:x}x{:x}", u32::from(pair[0]), u32::from(pair[1]))).collect()
}

/// How the words of a letter begin.
fn beginning(letter: char) -> String {
    format!("w{:x}x", u32::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: MessageType, body: &str) -> Message {
        let users = ["8".to_owned(), "m7".to_owned()];
        Message { id: MessageId(1), conversation: 5, kind: kind.number(), body: body.into(), users }
    }

    fn search(text: &str) -> Search {
        Search::of(text, &"8".parse().unwrap(), Some(ConversationId(5))).unwrap()
    }

    #[test]
    fn any_two_letters_of_a_text_are_a_word_of_it() {
        let words = of_message(&message(MessageType::Text, r#""退货 OK""#)).unwrap();
        let user = user_word("8");
        let m7 = user_word("m7");
        assert_eq!(words, format!("cid5 {user} {m7} w9000x8d27 w8d27x gapz w6fx6b w6bx gapz"));
        assert_eq!(search("退货").fts5(), format!("{user} AND cid5 AND \"w9000x8d27\""));
        assert_eq!(search("ok 退").boolean(), format!("+{user} +cid5 +\"w6fx6b\" +w9000x*"));
    }

    #[test]
    fn objects_are_found_by_their_names_and_what_has_no_text_is_not_indexed() {
        let card = of_message(&message(MessageType::Product, r#"{"title":"ab","url":"cd"}"#)).unwrap();
        assert!(card.contains("w61x62") && !card.contains("w63x64"));
        for body in [r#"{"url":"x"}"#, "", "not json"] {
            assert_eq!(of_message(&message(MessageType::Image, body)), None);
        }
        assert_eq!(of_message(&message(MessageType::Recall, r#"{"message_id":"1"}"#)), None);
    }

    #[test]
    fn signs_alone_are_no_search_and_do_not_reach_the_engine() {
        for text in ["", "  ", "\"*+-()'", "😀"] {
            assert!(Search::of(text, &"8".parse().unwrap(), None).is_none(), "{text}");
        }
        let odd = search("a\" OR b*'").fts5();
        assert!(odd.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"\" *".contains(&byte)), "{odd}");
    }
}
