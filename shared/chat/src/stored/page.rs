//! How much stands in one answer: so many bytes that a slow phone gets it in a moment, and that a connection's queue, which
//! ends a client that does not read, is far from full.

use store::Summary;
use types::Entry;

const MOST_BYTES: usize = 512 << 10;

/// What an entry takes beside its body, about.
const FRAME: usize = 300;

pub(super) fn weight(entry: &Entry) -> usize {
    match entry {
        Entry::Message(message) => FRAME + message.message.as_ref().map_or(0, |body| body.get().len()),
        Entry::Deleted { .. } => FRAME,
    }
}

pub(super) fn weight_of_row(row: &Summary) -> usize {
    FRAME + row.draft.len() + row.last.as_ref().map_or(0, weight)
}

/// How many of these, the first at least, stand in one answer.
pub(super) fn fitting(weights: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    let fits = |weight: &usize| {
        let is_first = sum == 0;
        sum += weight;
        is_first || sum <= MOST_BYTES
    };
    weights.take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_one_at_least_and_no_more_than_fit() {
        assert_eq!(fitting([].into_iter()), 0);
        assert_eq!(fitting([MOST_BYTES * 2, 1].into_iter()), 1);
        assert_eq!(fitting([MOST_BYTES / 2, MOST_BYTES / 2, 1].into_iter()), 2);
        assert_eq!(fitting([1; 100].into_iter()), 100);
    }
}
