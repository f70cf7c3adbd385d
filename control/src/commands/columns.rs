//! Tables for people: columns as wide as their widest cell, and no blanks behind the last.

/// So wide a column is at most; a cell that is wider moves what follows it. (A width above 65,535 cannot be written.)
const WIDEST: usize = 120;

/// The widths of the columns of `rows`.
pub fn widths<'r, const N: usize>(rows: impl IntoIterator<Item = &'r [String; N]>) -> [usize; N] {
    rows.into_iter().fold([0; N], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().min(WIDEST).max(*width);
        }
        widths
    })
}

/// A row as a line.
pub fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, &width)| format!("{cell:width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
