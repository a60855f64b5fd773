//! Doctored histories: each fault is found, under its name, and the clean one passes.

use super::{Rule, check};
use crate::record::{Line, Record, State};
use std::collections::{BTreeMap, BTreeSet};

const A: &str = "8";
const SHOP: &str = "m7";
const CONVERSATION: &str = "900";

/// Six messages of two users on two devices each; number 4 answers number 3.
fn clean() -> Vec<Record> {
    let devices = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let users = BTreeMap::from([(A.into(), devices(["x", "y"])), (SHOP.into(), devices(["x", "fresh"]))]);
    let mut history = vec![Record::Began { seed: 1, users: users.clone() }];
    let mut lines = Vec::new();
    for number in 1..=6 {
        let (from, to) = if number % 2 == 0 { (SHOP, A) } else { (A, SHOP) };
        let name = format!("{from}/x/{number}");
        let id = 100 + number;
        let answers = (number == 4).then(|| format!("{A}/x/3"));
        history.push(Record::Said {
            name: name.clone(),
            from: from.into(),
            device: "x".into(),
            to: to.into(),
            answers,
        });
        history.push(Record::Kept { name: name.clone(), conversation: CONVERSATION.into(), number, id });
        let read_at = (number < 3).then_some(7);
        lines.push(Line { id, number, name, from: from.into(), read_at });
    }
    history.push(Record::Fault { at_ms: 5, what: "kill -9 im1".into(), in_flight: 3 });
    let state = State { head: 6, unread: 2, ..State::default() };
    for (user, devices) in users {
        for device in devices {
            let (user, conversation) = (user.clone(), CONVERSATION.to_owned());
            history.push(Record::Shown {
                user: user.clone(),
                device: device.clone(),
                conversation: conversation.clone(),
                lines: lines.clone(),
            });
            history.push(Record::State { user, device, conversation, state: state.clone() });
        }
        history.push(Record::Stored {
            user,
            conversation: CONVERSATION.into(),
            lines: lines.clone(),
            state: state.clone(),
        });
    }
    history
}

fn rules(history: &[Record]) -> BTreeSet<Rule> {
    check(history).into_iter().map(|finding| finding.rule).collect()
}

/// What is found when the screen of the buyer's device `y` is another.
fn on_one_screen(change: impl Fn(&mut Vec<Line>)) -> BTreeSet<Rule> {
    let mut history = clean();
    for record in &mut history {
        if let Record::Shown { user, device, lines, .. } = record
            && (user.as_str(), device.as_str()) == (A, "y")
        {
            change(lines);
        }
    }
    rules(&history)
}

/// What is found when everybody's screen and the store are others.
fn everywhere(change: impl Fn(&mut Vec<Line>)) -> BTreeSet<Rule> {
    let mut history = clean();
    for record in &mut history {
        if let Record::Shown { lines, .. } | Record::Stored { lines, .. } = record {
            change(lines);
        }
    }
    rules(&history)
}

fn line(number: u64, name: &str, from: &str) -> Line {
    Line { id: 100 + number, number, name: name.into(), from: from.into(), read_at: None }
}

#[test]
fn a_clean_history_passes() {
    assert_eq!(check(&clean()), []);
}

#[test]
fn a_history_survives_being_written_and_read() {
    let lines: Vec<String> = clean().iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let again: Vec<Record> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(again, clean());
}

#[test]
fn a_loss_is_found_on_one_device_and_everywhere() {
    assert_eq!(on_one_screen(|lines| drop(lines.pop())), [Rule::Loss].into());
    assert!(everywhere(|lines| drop(lines.pop())).contains(&Rule::Loss));
}

#[test]
fn a_device_without_a_screen_has_lost_everything() {
    let mut history = clean();
    history.retain(|record| !matches!(record, Record::Shown { device, .. } if device == "fresh"));
    assert_eq!(rules(&history), [Rule::Loss].into());
}

#[test]
fn a_store_that_answers_nothing_has_lost_everything() {
    let mut history = clean();
    history.retain(|record| !matches!(record, Record::Stored { .. }));
    assert_eq!(rules(&history), [Rule::Loss].into());
}

#[test]
fn a_duplicate_is_found_whatever_number_it_has() {
    assert!(on_one_screen(|lines| lines.push(lines[5].clone())).contains(&Rule::Twice));
    let again = |lines: &mut Vec<Line>| lines.push(Line { id: 107, number: 7, ..lines[5].clone() });
    assert!(everywhere(again).contains(&Rule::Twice));
}

#[test]
fn two_acknowledgements_that_differ_are_found() {
    let mut history = clean();
    let conversation = CONVERSATION.to_owned();
    history.push(Record::Kept { name: format!("{A}/x/3"), conversation, number: 7, id: 107 });
    assert_eq!(rules(&history), [Rule::Twice].into());
}

#[test]
fn a_swap_on_a_screen_is_found() {
    assert_eq!(on_one_screen(|lines| lines.swap(0, 1)), [Rule::Order].into());
}

#[test]
fn ids_that_disagree_with_numbers_are_found() {
    let crossed = |lines: &mut Vec<Line>| (lines[0].id, lines[1].id) = (lines[1].id, lines[0].id);
    assert_eq!(everywhere(crossed), [Rule::Order].into());
}

#[test]
fn an_invented_message_is_found() {
    let said_by_nobody = line(7, "8/x/77", A);
    assert!(on_one_screen(|lines| lines.push(said_by_nobody.clone())).contains(&Rule::Invented));
    assert!(everywhere(|lines| lines.push(said_by_nobody.clone())).contains(&Rule::Invented));
    let mut history = clean();
    history.push(Record::Kept { name: "8/x/77".into(), conversation: CONVERSATION.into(), number: 7, id: 107 });
    assert!(rules(&history).contains(&Rule::Invented));
}

#[test]
fn a_message_under_another_name_or_of_another_pair_is_invented() {
    assert!(everywhere(|lines| lines[0].from = SHOP.into()).contains(&Rule::Invented));
    let mut history = clean();
    for record in &mut history {
        if let Record::Said { name, to, .. } = record
            && name.ends_with("/5")
        {
            *to = "9".into();
        }
    }
    assert!(rules(&history).contains(&Rule::Invented));
}

#[test]
fn an_answer_above_what_it_answers_is_found() {
    let turned = |lines: &mut Vec<Line>| lines.swap(2, 3);
    assert_eq!(on_one_screen(turned), [Rule::Answer, Rule::Order].into());
    // Also where numbers and acknowledgements are turned round with it.
    let mut history = clean();
    for record in &mut history {
        match record {
            Record::Kept { number, id, .. } if (3..5).contains(number) => {
                (*number, *id) = (7 - *number, 207 - *id);
            }
            Record::Shown { lines, .. } | Record::Stored { lines, .. } => {
                lines.swap(2, 3);
                for index in [2, 3] {
                    (lines[index].number, lines[index].id) = (index as u64 + 1, index as u64 + 101);
                }
            }
            _ => {}
        }
    }
    assert_eq!(rules(&history), [Rule::Answer].into());
}

#[test]
fn a_hole_in_the_numbers_is_found() {
    let mut history = clean();
    let beyond = |number: &mut u64| *number += u64::from(*number == 6);
    for record in &mut history {
        match record {
            Record::Kept { number, .. } => beyond(number),
            Record::Shown { lines, .. } => beyond(&mut lines[5].number),
            Record::Stored { lines, .. } => beyond(&mut lines[5].number),
            _ => {}
        }
    }
    assert_eq!(rules(&history), [Rule::Hole].into());
}

#[test]
fn states_that_differ_are_found() {
    let changes: [fn(&mut State); 4] =
        [|state| state.unread = 3, |state| state.head = 5, |state| state.pinned = true, |state| state.draft.push('a')];
    for change in changes {
        let mut history = clean();
        let last = history.iter_mut().rev().find_map(|record| match record {
            Record::State { state, .. } => Some(state),
            _ => None,
        });
        change(last.unwrap());
        assert_eq!(rules(&history), [Rule::State].into());
    }
    assert_eq!(on_one_screen(|lines| lines[0].read_at = None), [Rule::State].into());
}

#[test]
fn a_count_of_unread_that_all_agree_upon_must_still_be_right() {
    let mut history = clean();
    for record in &mut history {
        if let Record::State { state, .. } | Record::Stored { state, .. } = record {
            state.unread += 1;
        }
    }
    assert_eq!(rules(&history), [Rule::State].into());
}

#[test]
fn a_message_that_was_given_up_or_never_acknowledged_is_found() {
    let mut history = clean();
    history.push(Record::Failed { name: format!("{A}/x/3"), why: "not_found".into() });
    assert_eq!(rules(&history), [Rule::Unsettled].into());
    let mut history = clean();
    history.retain(|record| !matches!(record, Record::Kept { number: 3, .. }));
    assert_eq!(rules(&history), [Rule::Unsettled].into());
}

#[test]
fn a_fault_that_hit_nothing_is_found() {
    let mut history = clean();
    history.push(Record::Fault { at_ms: 9, what: "cut".into(), in_flight: 0 });
    assert_eq!(rules(&history), [Rule::Idle].into());
}
