//! What all measurements share.

/// One machine is many people here.
pub(crate) const UNLIMITED: [(&str, &str); 3] = [
    ("IM__LIMITS__HANDSHAKES_PER_SECOND_PER_ADDRESS", "1000000"),
    ("IM__LIMITS__EVENTS_PER_SECOND_PER_USER", "1000000"),
    ("IM__LIMITS__EVENT_BURST_PER_USER", "1000000"),
];

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
