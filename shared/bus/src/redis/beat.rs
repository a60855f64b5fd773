//! When this process looks after its connections: all of them at the same beats, so that a quiet process wakes once for
//! all, however many nodes there are.

use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::Instant;

/// The first beat that is not before that moment.
pub(super) fn beat_from(moment: Instant, every: Duration) -> Instant {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let every = every.max(Duration::from_millis(1));
    let since = moment.saturating_duration_since(*FIRST);
    let beats = since.as_nanos().div_ceil(every.as_nanos());
    *FIRST + every * u32::try_from(beats).unwrap_or(u32::MAX)
}

/// When a connection on which something came at that moment is to be asked for a sign of life, unless more comes: half a
/// pulse later or up to one and a half, so that what is answered at one beat is asked at the next.
pub(super) fn sign_due(last: Instant, pulse: Duration) -> Instant {
    beat_from(last + pulse / 2, pulse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULSE: Duration = Duration::from_millis(400);

    #[test]
    fn connections_are_looked_after_at_the_same_moments() {
        let beat = beat_from(Instant::now(), PULSE);
        for late in [1, 57, 199, 200] {
            assert_eq!(sign_due(beat + Duration::from_millis(late), PULSE), beat + PULSE, "{late} ms after a beat");
        }
        for late in [201, 399, 400] {
            assert_eq!(sign_due(beat + Duration::from_millis(late), PULSE), beat + 2 * PULSE, "{late} ms after a beat");
        }
    }

    #[test]
    fn a_beat_is_a_beat() {
        let beat = beat_from(Instant::now() + PULSE, PULSE);
        assert_eq!(beat_from(beat, PULSE), beat);
        assert_eq!(beat_from(beat + Duration::from_nanos(1), PULSE), beat + PULSE);
        assert!(beat_from(Instant::now(), Duration::ZERO) >= Instant::now() - Duration::from_millis(1));
    }
}
