//! The chi-square test: how likely counts are that differ so much from what is expected.

/// What is too unlikely to be chance, at either end. About a hundred values are looked at.
const ABSURD: f64 = 1e-5;

/// What a comparison of counts with expected ones comes to.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The chance of a statistic as large or larger, if nothing but chance made the counts.
    pub p: f64,
}

impl Test {
    /// Compares counts with expected ones; `fewer` of their sums were taken from the counts themselves.
    pub fn of(counts: impl IntoIterator<Item = (f64, f64)>, fewer: u32) -> Self {
        let mut cells = 0u32;
        let mut statistic = 0.0;
        for (found, expected) in counts {
            cells += 1;
            statistic += (found - expected).powi(2) / expected;
        }
        let freedom = f64::from(cells - fewer);
        Self { p: upper_gamma(freedom / 2.0, statistic / 2.0) }
    }

    /// Whether chance can have made it: neither too far from what is expected nor too near.
    pub fn is_credible(self) -> bool {
        (ABSURD..=1.0 - ABSURD).contains(&self.p)
    }

    /// `0.412`, with a `!` where it is not credible.
    pub fn shown(self) -> String {
        let mark = if self.is_credible() { "" } else { "!" };
        format!("{:.3}{mark}", self.p)
    }
}

/// The regularised upper incomplete gamma function Q(a, x): by its series below a + 1, by its continued fraction above.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 { 1.0 - scale * series(a, x) } else { scale * fraction(a, x) }
}

/// The sum of x^n / (a (a+1) … (a+n)).
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    let mut divisor = a;
    while term > sum * 1e-15 {
        divisor += 1.0;
        term *= x / divisor;
        sum += term;
    }
    sum
}

/// 1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - …))), from the front.
fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut middle = x + 1.0 - a;
    let mut ahead = 1.0 / TINY;
    let mut behind = 1.0 / middle;
    let mut value = behind;
    for step in 1..100_000 {
        let n = f64::from(step);
        let over = n * (a - n);
        middle += 2.0;
        behind = 1.0 / (over * behind + middle);
        ahead = middle + over / ahead;
        let change = ahead * behind;
        value *= change;
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function: Stirling's series, far enough up that three terms are exact.
fn ln_gamma(a: f64) -> f64 {
    let (mut z, mut below) = (a, 0.0);
    while z < 20.0 {
        below += z.ln();
        z += 1.0;
    }
    let series = 1.0 / (12.0 * z) - 1.0 / (360.0 * z.powi(3)) + 1.0 / (1260.0 * z.powi(5));
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the tables that every textbook has.
    #[test]
    fn known_quantiles_have_their_probability() {
        for (freedom, statistic, p) in [
            (1.0, 3.841_459, 0.05),
            (1.0, 10.827_566, 0.001),
            (10.0, 18.307_038, 0.05),
            (10.0, 3.940_299, 0.95),
            (100.0, 124.342_113, 0.05),
            (100.0, 77.929_465, 0.95),
        ] {
            let found = upper_gamma(freedom / 2.0, statistic / 2.0);
            assert!((found - p).abs() < 1e-6, "{freedom} {statistic}: {found}");
        }
        assert!((ln_gamma(5.0) - 24f64.ln()).abs() < 1e-12 && (ln_gamma(0.5) - 0.572_364_942_9).abs() < 1e-9);
    }

    #[test]
    fn what_is_too_even_or_too_uneven_is_not_chance() {
        let even = Test::of((0..1_000).map(|_| (100.0, 100.0)), 1);
        let skewed = Test::of((0..1_000).map(|place| (if place % 2 == 0 { 120.0 } else { 80.0 }, 100.0)), 1);
        assert!(!even.is_credible() && !skewed.is_credible(), "{even:?} {skewed:?}");
    }
}
