//! A chart of columns, one a day.

use serde::Serialize;

/// Its height, and the room for the words below, in the drawing's own units.
const HEIGHT: f64 = 120.0;
/// Its width.
const WIDTH: f64 = 700.0;

/// The drawing.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    width: f64,
    height: f64,
    columns: Vec<Column>,
    most: u64,
}

/// One day.
#[derive(Debug, Serialize)]
struct Column {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    title: String,
    /// Below it, where there is room.
    label: Option<String>,
}

impl Chart {
    /// A column for each of these names and numbers.
    pub fn of(days: &[(String, u64)]) -> Self {
        let most = days.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let each = WIDTH / length(days.len().max(1));
        let every = days.len().div_ceil(5).max(1);
        let columns = days.iter().enumerate().map(|(place, (name, count))| {
            let part = if most == 0 { 0.0 } else { number(*count) / number(most) };
            let height = (part * HEIGHT).max(if *count > 0 { 1.5 } else { 0.0 });
            Column {
                x: tenth(each * length(place) + each * 0.1),
                y: tenth(HEIGHT - height),
                width: tenth(each * 0.8),
                height: tenth(height),
                title: format!("{name}: {count}"),
                label: (place % every == 0).then(|| name.clone()),
            }
        });
        Self { width: WIDTH, height: HEIGHT, columns: columns.collect(), most }
    }
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn length(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn tenth(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_column_fills_the_chart_and_none_is_invisible() {
        let chart = Chart::of(&[("1 Nov".to_owned(), 0), ("2 Nov".to_owned(), 1), ("3 Nov".to_owned(), 1000)]);
        let heights: Vec<f64> = chart.columns.iter().map(|column| column.height).collect();
        assert_eq!(heights, [0.0, 1.5, 120.0]);
        assert!(chart.columns.iter().all(|column| (column.y + column.height - 120.0).abs() < 0.2));
    }
}
