//! Medians and other parts, and how sure they are.

/// Numbers that look random and are the same in every run: SplitMix64.
pub struct Random(u64);

impl Random {
    /// Begins the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, of any size.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `limit`, which is above 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Puts `items` into an order of which every one is as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Of sorted values, of which there is one at least, the one that so large a part does not exceed.
pub fn percentile<T: Copy>(sorted: &[T], part: f64) -> T {
    let place = (sorted.len() as f64 * part).ceil() as usize;
    sorted[place.saturating_sub(1).min(sorted.len() - 1)]
}

/// A figure drawn from samples, with the interval that holds it in 95 of 100 resamplings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure for the samples themselves.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// Estimates `figure` of `rounds` rounds: computed for all of them, then for 2,000 drawings with replacement.
///
/// `figure` is given the numbers of the rounds to use, so that what was measured in one round stays together.
pub fn bootstrap(rounds: usize, figure: impl Fn(&[usize]) -> f64) -> Estimate {
    let all: Vec<_> = (0..rounds).collect();
    let mut random = Random::new(2);
    let mut resampled: Vec<_> = (0..2000)
        .map(|_| {
            let drawn: Vec<_> = all.iter().map(|_| random.below(rounds as u64) as usize).collect();
            figure(&drawn)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    Estimate { value: figure(&all), low: resampled[49], high: resampled[1949] }
}

/// The middle of `values`, or between the two in the middle; NaN where there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn an_interval_holds_the_figure_and_narrows_where_all_rounds_agree() {
        let spread = bootstrap(10, |rounds| median(rounds.iter().map(|&round| round as f64)));
        assert!(spread.low < spread.value && spread.value < spread.high, "{spread:?}");
        let same = bootstrap(10, |rounds| median(rounds.iter().map(|_| 7.0)));
        assert_eq!(same, Estimate { value: 7.0, low: 7.0, high: 7.0 });
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<_> = (0..9).collect();
        Random::new(3).shuffle(&mut items);
        assert_ne!(items, (0..9).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..9).collect::<Vec<_>>());
    }
}
