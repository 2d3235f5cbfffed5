//! Tables for a terminal: columns as wide as they need to be, the last one cut where the terminal ends.

use super::terminal;

/// Rows of text under headings.
#[derive(Debug, Default)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these headings.
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; its cells are cleaned for the terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| terminal::one_line(&cell)).collect());
    }

    /// The table as lines, at most `width` characters wide.
    pub fn render(&self, width: usize) -> String {
        let headings: Vec<String> = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let lines = || std::iter::once(&headings).chain(&self.rows);
        let widths: Vec<usize> = (0..headings.len())
            .map(|column| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in lines() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let pad = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', pad));
            }
            text.push_str(&terminal::short(line.trim_end(), width));
            text.push('\n');
        }
        text
    }
}

/// How wide the terminal is; without one as wide as it takes.
pub fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(usize::MAX, |(width, _)| usize::from(width.0).max(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_the_terminal() {
        let mut table = Table::new(&["ID", "SUBJECT"]);
        table.row(["7".to_owned(), "a long subject\x1b[2J".to_owned()]);
        table.row(["1234".to_owned(), "b".to_owned()]);
        assert_eq!(table.render(80), "ID    SUBJECT\n7     a long subject\\u{1b}[2J\n1234  b\n");
        assert_eq!(table.render(12), "ID    SUBJE…\n7     a lon…\n1234  b\n");
    }
}
