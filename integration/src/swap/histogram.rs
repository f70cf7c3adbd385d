//! A histogram of Envoy's.

use serde_json::Value;

use crate::{Admin, eventually};

/// What Envoy says of a histogram since it was started, in the unit of what was recorded. Envoy keeps two digits of each value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantiles {
    pub(super) count: usize,
    pub(super) median: f64,
    pub(super) high: f64,
    pub(super) most: f64,
}

impl Quantiles {
    /// Those of the histogram `name`, once `count` values were merged into it, which Envoy does every five seconds.
    ///
    /// # Panics
    /// Where so many never come.
    pub(super) fn await_count(admin: Admin, name: &str, count: usize) -> Self {
        let count = eventually("every value in the histogram", || {
            let text = admin.text(&format!("/stats/prometheus?filter={name}"))?;
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_count"));
            let found = found.and_then(|rest| rest.rsplit(' ').next()?.parse::<usize>().ok());
            found.filter(|&found| found >= count).ok_or_else(|| format!("found {found:?}, expected {count}"))
        });
        let stats = admin.json(&format!("/stats?format=json&filter={name}")).expect("Envoy's histograms");
        Self::read(&stats, count).unwrap_or_else(|| panic!("found {stats}, expected quantiles of {name}"))
    }

    fn read(stats: &Value, count: usize) -> Option<Self> {
        let histograms = stats["stats"].as_array()?.iter().find_map(|stat| stat.get("histograms"))?;
        let supported: Vec<f64> =
            histograms["supported_quantiles"].as_array()?.iter().filter_map(Value::as_f64).collect();
        let values = histograms["computed_quantiles"].get(0)?["values"].as_array()?;
        let of = |wanted: f64| {
            let place = supported.iter().position(|&found| found == wanted)?;
            values.get(place)?["cumulative"].as_f64()
        };
        Some(Self { count, median: of(50.0)?, high: of(99.0)?, most: of(100.0)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cumulative_values_are_read() {
        let value = |cumulative: f64| json!({"interval": null, "cumulative": cumulative});
        let stats = json!({"stats": [{"histograms": {
            "supported_quantiles": [0, 50, 99, 100],
            "computed_quantiles": [{"name": "a", "values": [value(1.0), value(5.0), value(9.9), value(10.0)]}],
        }}]});
        assert_eq!(Quantiles::read(&stats, 7), Some(Quantiles { count: 7, median: 5.0, high: 9.9, most: 10.0 }));
        assert_eq!(Quantiles::read(&json!({"stats": []}), 7), None);
    }
}
