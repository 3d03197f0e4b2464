//! `auth list`.

use llm2api_core::auth::day;

use super::{Absent, Done, Trouble, open};
use crate::authority::{Entry, Listed};
use crate::clock::unix_seconds;
use crate::config::Origins;

const HEAD: [&str; 7] = ["ID", "STATE", "KIND", "HOLDER", "PLAN", "ISSUED", "EXPIRES"];

/// Lists the codes, as a table or as JSON.
pub(super) async fn execute(json: bool, origins: Origins) -> Done {
    let codes = open(origins, None, Absent::Refuse).await?.list().await?;
    let now = unix_seconds();
    let data: Vec<_> = codes.iter().map(|code| Entry::new(code, now)).collect();
    if !json {
        return Ok(table(&data));
    }
    let listed = Listed { total: data.len(), data };
    let text = serde_json::to_string_pretty(&listed);
    text.map(|text| text + "\n").map_err(|error| Trouble::Other(error.to_string()))
}

fn table(data: &[Entry<'_>]) -> String {
    let rows: Vec<_> = [HEAD.map(str::to_owned)].into_iter().chain(data.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
    let cell = |(text, width): (&String, &usize)| format!("{text:<width$}");
    let line = |row: &[String; 7]| {
        let cells: Vec<_> = row.iter().zip(&widths).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(entry: &Entry<'_>) -> [String; 7] {
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let date = |seconds: Option<u64>| seconds.map_or_else(|| "-".to_owned(), day);
    [
        entry.id.to_owned(),
        entry.state.to_owned(),
        entry.kind.to_owned(),
        text(entry.holder),
        text(entry.plan),
        date(entry.issued_at),
        date(entry.expires_at),
    ]
}
