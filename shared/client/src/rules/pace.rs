//! How long to wait before something is tried again.

use super::refusal::Refusal;

/// The first wait, doubled with each failure in a row.
const FIRST_MS: u64 = 1_000;
/// The longest.
const LONGEST_MS: u64 = 30_000;

/// Waits, scattered so that clients which failed together do not come back together.
#[derive(Debug)]
pub struct Pace {
    state: u64,
    scattered: bool,
}

impl Pace {
    /// Two clients with different seeds wait differently.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, scattered: true }
    }

    /// Waits as they are written down, for tests.
    pub fn exact() -> Self {
        Self { state: 0, scattered: false }
    }

    /// After so many failures in a row, the last of them with this refusal, if there was one: what the server asked for
    /// and up to a fifth more; else one second, doubled with each failure up to thirty, less up to a half.
    pub(super) fn after(&mut self, failures: u32, refusal: Option<&Refusal>) -> u64 {
        match refusal.and_then(|refusal| refusal.retry_after_ms) {
            Some(told) => told.saturating_add(self.up_to(told / 5)),
            None => self.growing(failures, FIRST_MS, LONGEST_MS),
        }
    }

    /// The wait after so many failures in a row (the first is number 1).
    pub(crate) fn growing(&mut self, failures: u32, first_ms: u64, longest_ms: u64) -> u64 {
        let doublings = failures.saturating_sub(1).min(20);
        let wait = first_ms.saturating_mul(1 << doublings).min(longest_ms);
        wait - self.up_to(wait / 2)
    }

    /// A number from 0 to `most`; 0 where waits are exact.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        if !self.scattered {
            return 0;
        }
        // Splitmix64: any seed does, and neighbouring ones have nothing in common.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * (u128::from(most) + 1)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_keep_at_least_half() {
        let mut exact = Pace::exact();
        let waits: Vec<u64> = (1..=7).map(|failures| exact.after(failures, None)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        let mut pace = Pace::new(7);
        let waits: Vec<u64> = (0..1000).map(|_| pace.after(3, None)).collect();
        assert!(waits.iter().all(|wait| (2_000..=4_000).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 2_200) && waits.iter().any(|wait| *wait > 3_800));
    }

    #[test]
    fn what_the_server_asked_for_is_the_least() {
        let refusal = Refusal { retry_after_ms: Some(500), ..Refusal::own("rate_limited", "") };
        let mut pace = Pace::new(8);
        assert!((0..1000).all(|_| (500..=600).contains(&pace.after(9, Some(&refusal)))));
    }
}
