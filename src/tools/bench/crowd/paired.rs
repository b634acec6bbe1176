//! Windows in pairs: quiet ones on both sides of the one that is compared with them.

use serde_json::{Value, json};

/// What a window is to its pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Quiet.
    A,
    /// Quiet again.
    Again,
    /// What is compared with quiet.
    B,
}

/// In every other pair the two quiet windows change places, so that what changes steadily is in both.
pub fn in_turn(pair: u32) -> [Kind; 2] {
    if pair.is_multiple_of(2) { [Kind::A, Kind::Again] } else { [Kind::Again, Kind::A] }
}

/// One figure of all windows.
#[derive(Debug, Default)]
pub struct Paired {
    quiet: Vec<f64>,
    again: Vec<f64>,
    compared: Vec<f64>,
}

impl Paired {
    pub fn push(&mut self, kind: Kind, value: f64) {
        match kind {
            Kind::A => self.quiet.push(value),
            Kind::Again => self.again.push(value),
            Kind::B => self.compared.push(value),
        }
    }

    /// Of A, A' and, where there is one, B.
    pub fn medians(&self) -> [Option<f64>; 3] {
        [median(&self.quiet), median(&self.again), median(&self.compared)]
    }

    /// Of B over the quiet windows of both kinds.
    pub fn ratio(&self) -> Option<f64> {
        let quiet = [&self.quiet[..], &self.again[..]].concat();
        Some(median(&self.compared)? / median(&quiet)?)
    }

    /// Of the second quiet measurement over the first: how far from 1 a ratio may be that means nothing.
    pub fn noise(&self) -> Option<f64> {
        Some(median(&self.again)? / median(&self.quiet)?)
    }

    pub fn json(&self) -> Value {
        let [quiet, again, compared] = self.medians();
        json!({
            "quiet": quiet, "quietAgain": again, "compared": compared, "ratio": self.ratio(), "quietRatio": self.noise(),
            "windows": { "quiet": self.quiet, "quietAgain": self.again, "compared": self.compared },
        })
    }
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (below, above) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*below, *above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_of_what_there_is() {
        let medians = [&[][..], &[3.0], &[9.0, 1.0], &[9.0, 1.0, 2.0]].map(median);
        assert_eq!(medians, [None, Some(3.0), Some(5.0), Some(2.0)]);
    }

    #[test]
    fn a_ratio_compares_with_both_quiet_measurements_and_noise_these_with_each_other() {
        let mut paired = Paired::default();
        for (kind, value) in [(Kind::A, 1.0), (Kind::Again, 3.0), (Kind::B, 4.0)] {
            paired.push(kind, value);
        }
        assert_eq!((paired.ratio(), paired.noise()), (Some(2.0), Some(3.0)));
        assert_eq!(paired.json()["compared"], 4.0);
        assert_eq!((in_turn(0)[0], in_turn(1)[0]), (Kind::A, Kind::Again));
    }
}
