//! Figures of each kind, and the tables that show them.

use super::callgrind::Instructions;
use super::kinds::{Group, Kind};
use super::statistics::{median, spread as spread_of};

/// Measurements of one kind.
pub(super) struct Figures {
    kind: Kind,
    /// CPU nanoseconds of an operation, in each round.
    times: Vec<f64>,
    /// Median of `times`.
    time: f64,
    /// Allocations of an operation.
    allocations: f64,
    /// Instructions of an operation. `None` if they were not counted.
    instructions: Option<Instructions>,
}

impl Figures {
    /// Combines the measurements of a kind.
    pub(super) fn new(
        kind: Kind,
        times: Vec<f64>,
        allocations: f64,
        instructions: Option<Instructions>,
    ) -> Self {
        Self { kind, time: median(&times), times, allocations, instructions }
    }
}

/// Returns the table of requests. Everything but the CPU time is what a kind adds to the bare
/// handler of its framework. The ratio compares the added CPU times.
pub(super) fn requests(all: &[Figures]) -> Vec<Vec<String>> {
    let mut rows = vec![
        [
            "kind",
            "CPU µs",
            "added",
            "ratio to peer",
            "allocations added",
            "instructions added",
            "without cryptography",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for one in all.iter().filter(|one| one.kind.group != Group::Tokens) {
        let mut row = vec![one.kind.label.to_owned(), micros(one.time)];
        if let Some(bare) = baseline(all, one) {
            let peer = all.iter().find(|other| Some(other.kind.name) == one.kind.peer);
            let added = one.time - bare.time;
            row.push(micros(added));
            row.push(peer.map(|peer| ratio(added, peer.time - bare.time)).unwrap_or_default());
            row.push(whole(one.allocations - bare.allocations));
            row.extend(instructions(one, Some(bare)));
        }
        rows.push(row);
    }
    rows
}

/// Returns the table of tokens. The ratio compares the CPU times.
pub(super) fn tokens(all: &[Figures]) -> Vec<Vec<String>> {
    let mut rows = vec![
        ["kind", "CPU ns", "ratio to floor", "allocations", "instructions", "without cryptography"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for one in all.iter().filter(|one| one.kind.group == Group::Tokens) {
        let floor = baseline(all, one);
        let mut row = vec![one.kind.label.to_owned(), whole(one.time)];
        row.push(floor.map(|floor| ratio(one.time, floor.time)).unwrap_or_default());
        row.push(whole(one.allocations));
        row.extend(instructions(one, None));
        rows.push(row);
    }
    rows
}

/// Describes how much the CPU times differed between the rounds.
pub(super) fn spread(all: &[Figures], rounds: usize) -> String {
    let spreads: Vec<f64> = all.iter().map(|one| spread_of(&one.times) * 100.0).collect();
    let widest = spreads.iter().zip(all).max_by(|a, b| a.0.total_cmp(b.0));
    let (widest, name) = widest.map_or((0.0, ""), |(widest, one)| (*widest, one.kind.name));
    format!(
        "CPU times are medians of {rounds} rounds. Their quartiles are {:.0} % apart, and {widest:.0} % \
         for {name}.",
        median(&spreads)
    )
}

/// Returns the first kind of the group, unless this is it.
fn baseline<'a>(all: &'a [Figures], one: &Figures) -> Option<&'a Figures> {
    let first = all.iter().find(|other| other.kind.group == one.kind.group)?;
    (first.kind.name != one.kind.name).then_some(first)
}

/// Returns the two cells of instructions, minus those of `bare`.
fn instructions(one: &Figures, bare: Option<&Figures>) -> [String; 2] {
    let Some(counted) = one.instructions else { return Default::default() };
    let bare = bare.and_then(|bare| bare.instructions).unwrap_or_default();
    [
        whole(counted.total - bare.total),
        whole(counted.without_cryptography - bare.without_cryptography),
    ]
}

fn micros(nanoseconds: f64) -> String {
    format!("{:.1}", nanoseconds / 1_000.0)
}

fn ratio(one: f64, other: f64) -> String {
    format!("{:.2}", one / other)
}

/// Formats a number without decimals, in groups of three digits.
fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::KINDS;
    use super::*;

    #[test]
    fn rows_compare_with_the_bare_handler_and_the_peer() {
        let all: Vec<Figures> = KINDS
            .into_iter()
            .map(|kind| {
                let time = match kind.name {
                    "axum-bare" => 2_000.0,
                    "axum-role" => 11_000.0,
                    "axum-login" => 14_000.0,
                    "link-verify" => 1_500.0,
                    _ => 1_000.0,
                };
                let instructions = Instructions { total: time, without_cryptography: 500.0 };
                Figures::new(kind, vec![time], time / 1_000.0, Some(instructions))
            })
            .collect();
        let requests = requests(&all);
        assert_eq!(requests[1], ["axum, bare handler", "2.0"]);
        assert_eq!(requests[4][1..], ["11.0", "9.0", "0.75", "9", "9,000", "0"]);
        assert_eq!(requests[7][1..], ["14.0", "12.0", "", "12", "12,000", "0"]);
        let tokens = tokens(&all);
        assert_eq!(tokens[1][1..], ["1,000", "", "1", "1,000", "500"]);
        assert_eq!(tokens[2][1..], ["1,500", "1.50", "2", "1,500", "500"]);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0.4, 999.6, 44_760.0, 1_234_567.0, -0.4, -1_500.0].map(whole),
            ["0", "1,000", "44,760", "1,234,567", "0", "-1,500"]
        );
    }
}
