//! Which fault hits when, drawn from a seed: pure.

use crate::chance::Chance;
use std::fmt;
use std::time::Duration;

pub(crate) const PROCESSES: usize = 3;
/// Redis nodes that stand alone, and those that Sentinels watch.
pub(crate) const PLAIN: usize = 2;
pub(crate) const WATCHED: usize = 2;

/// How often is drawn until a part comes up that is whole.
const DRAWS: usize = 20;
/// About how long a part takes to be whole again once its time is over.
const MENDING: Duration = Duration::from_secs(2);

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Process(usize),
    Plain(usize),
    /// Whichever of the two is master when it is hit.
    Master(usize),
    Replica(usize),
    Database,
    /// Between clients, nginx too, and a process.
    Clients(usize),
    /// Between a process and a Redis node that stands alone.
    Wire(usize, usize),
    /// Between a process and the database.
    Store(usize),
}

/// How it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// `kill -9`, started again after the time.
    Kill,
    /// SIGSTOP, until the time is over.
    Stop,
    /// SIGTERM, started again when it has ended and the time is over.
    Restart,
    Cut,
    Silence,
    Deafen,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// After the one before.
    pub(crate) after: Duration,
    pub(crate) part: Part,
    pub(crate) harm: Harm,
    pub(crate) lasts: Duration,
}

/// Faults for so long; those of different parts may overlap.
pub(crate) fn schedule(seed: u64, long: Duration) -> Vec<Fault> {
    let mut chance = Chance::new(seed);
    let mut faults = Vec::new();
    let mut at = Duration::ZERO;
    // Since the last fault.
    let mut pause = Duration::ZERO;
    let mut broken: Vec<(Part, Duration)> = Vec::new();
    loop {
        let after = Duration::from_millis(chance.within(300..=3_000));
        at += after;
        pause += after;
        if at >= long {
            return faults;
        }
        broken.retain(|(_, until)| *until > at);
        let drawn = (0..DRAWS).map(|_| draw(&mut chance));
        let is_whole = |(part, _): &(Part, Harm)| broken.iter().all(|(held, _)| !part.is_held_with(held));
        let Some((part, harm)) = drawn.into_iter().find(is_whole) else { continue };
        let range = duration(part, harm, &mut chance);
        let lasts = Duration::from_millis(chance.within(range));
        broken.push((part, at + lasts + MENDING));
        faults.push(Fault { after: std::mem::take(&mut pause), part, harm, lasts });
    }
}

impl Part {
    /// Whether the one cannot be broken while the other is.
    fn is_held_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Master(one) | Self::Replica(one), Self::Master(another) | Self::Replica(another)) => one == another,
            _ => self == other,
        }
    }
}

fn draw(chance: &mut Chance) -> (Part, Harm) {
    let process = chance.below(PROCESSES);
    match chance.below(20) {
        0..=3 => (Part::Process(process), Harm::Kill),
        4..=5 => (Part::Process(process), Harm::Stop),
        6 => (Part::Process(process), Harm::Restart),
        7 => (Part::Plain(chance.below(PLAIN)), Harm::Kill),
        8 => (Part::Plain(chance.below(PLAIN)), Harm::Stop),
        9 => (Part::Master(chance.below(WATCHED)), Harm::Kill),
        10 => (Part::Master(chance.below(WATCHED)), Harm::Stop),
        11 => (Part::Replica(chance.below(WATCHED)), Harm::Kill),
        12 => (Part::Database, Harm::Kill),
        13 => (Part::Database, Harm::Stop),
        14..=15 => (Part::Clients(process), one_of(chance, &[Harm::Cut, Harm::Silence])),
        16..=17 => {
            let harms = [Harm::Cut, Harm::Silence, Harm::Deafen];
            (Part::Wire(process, chance.below(PLAIN)), one_of(chance, &harms))
        }
        _ => (Part::Store(process), one_of(chance, &[Harm::Cut, Harm::Silence])),
    }
}

fn one_of(chance: &mut Chance, harms: &[Harm]) -> Harm {
    harms[chance.below(harms.len())]
}

/// Milliseconds that a fault may last: most are short, some outlast the leases and time-outs that they run into.
fn duration(part: Part, harm: Harm, chance: &mut Chance) -> std::ops::RangeInclusive<u64> {
    match (part, harm) {
        (_, Harm::Cut) => 20..=2_000,
        (Part::Database, _) => 100..=4_000,
        (Part::Process(_), Harm::Stop) if chance.once_in(3) => 15_000..=22_000,
        (_, Harm::Stop | Harm::Silence | Harm::Deafen) => 300..=9_000,
        (_, Harm::Kill | Harm::Restart) => 10..=4_000,
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(number) => write!(f, "imserver im{}", number + 1),
            Self::Plain(number) => write!(f, "Redis {}", WATCHED + number),
            Self::Master(number) => write!(f, "the master of Redis {number}"),
            Self::Replica(number) => write!(f, "the replica of Redis {number}"),
            Self::Database => f.write_str("MariaDB"),
            Self::Clients(number) => write!(f, "clients - im{}", number + 1),
            Self::Wire(process, node) => write!(f, "im{} - Redis {}", process + 1, WATCHED + node),
            Self::Store(process) => write!(f, "im{} - MariaDB", process + 1),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harm = match self.harm {
            Harm::Kill => "kill -9",
            Harm::Stop => "SIGSTOP",
            Harm::Restart => "restart",
            Harm::Cut => "cut",
            Harm::Silence => "silence",
            Harm::Deafen => "deafen",
        };
        write!(f, "{harm} {} for {:.1} s", self.part, self.lasts.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_draws_the_same_faults_and_another_seed_others() {
        let long = Duration::from_secs(60);
        assert_eq!(schedule(7, long), schedule(7, long));
        assert_ne!(schedule(7, long), schedule(8, long));
    }

    #[test]
    fn in_ten_minutes_every_kind_of_part_is_hit() {
        let faults = schedule(1, Duration::from_secs(600));
        let hit = |is: fn(&Part) -> bool| faults.iter().any(|fault| is(&fault.part));
        assert!((0..PROCESSES).all(|number| faults.iter().any(|fault| fault.part == Part::Process(number))));
        assert!((0..PLAIN).all(|number| faults.iter().any(|fault| fault.part == Part::Plain(number))));
        assert!((0..WATCHED).all(|number| faults.iter().any(|fault| fault.part == Part::Master(number))));
        assert!(hit(|part| *part == Part::Database) && hit(|part| matches!(part, Part::Replica(_))));
        assert!(hit(|part| matches!(part, Part::Clients(_))) && hit(|part| matches!(part, Part::Wire(..))));
        assert!(hit(|part| matches!(part, Part::Store(_))));
        for harm in [Harm::Kill, Harm::Stop, Harm::Restart, Harm::Cut, Harm::Silence, Harm::Deafen] {
            assert!(faults.iter().any(|fault| fault.harm == harm), "{harm:?}");
        }
    }

    #[test]
    fn a_part_is_not_broken_again_before_it_is_whole() {
        let (mut at, mut until) = (Duration::ZERO, Vec::<(Part, Duration)>::new());
        for fault in schedule(5, Duration::from_secs(600)) {
            at += fault.after;
            assert!(
                !until.iter().any(|(part, whole)| part.is_held_with(&fault.part) && *whole > at),
                "{fault} at {at:?}"
            );
            until.push((fault.part, at + fault.lasts));
        }
    }

    #[test]
    fn faults_fit_into_the_time() {
        let faults = schedule(3, Duration::from_secs(30));
        assert!(faults.iter().map(|fault| fault.after).sum::<Duration>() < Duration::from_secs(30));
        assert!(faults.len() >= 8, "{faults:?}");
    }
}
