//! Measurement of every endpoint on every store.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use http::StatusCode;

use crate::client::Client;
use crate::endpoint::{self, Endpoint};
use crate::site::{self, Accounts, Site};
use crate::statistics::{Difference, TOLERANCE, compare, threshold};
use crate::store::{Opened, StoreKind};
use crate::{Outcome, table};

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
/// Number of requests before the measurement starts.
const WARM_UP: usize = 50;

/// Response times for known accounts, for unknown addresses and for the control.
#[derive(Default)]
struct Times([Vec<Duration>; 3]);

impl Times {
    fn push(&mut self, who: usize, took: Duration) {
        self.0.get_mut(who).into_iter().for_each(|times| times.push(took));
    }

    /// Compares the known accounts, and the control, with the unknown addresses.
    fn differences(&self) -> [Difference; 2] {
        let [known, unknown, control] = &self.0;
        [compare(known, unknown), compare(control, unknown)]
    }

    fn medians(&self) -> [Duration; 2] {
        let [known, unknown, _] = &self.0;
        [known, unknown].map(|times| {
            let mut times = times.clone();
            times.sort_unstable();
            times.get(times.len() / 2).copied().unwrap_or_default()
        })
    }
}

struct Measured {
    store: &'static str,
    endpoint: &'static str,
    request: &'static str,
    times: Times,
}

/// Measures the endpoints and prints a table. Returns whether response times reveal nothing.
pub(crate) async fn run(
    stores: Vec<StoreKind>,
    pairs: usize,
    only: Vec<String>,
    seed: u64,
    waits: bool,
) -> Outcome<bool> {
    let mut dice = Dice(seed.wrapping_mul(2).wrapping_add(1));
    let mut measured = Vec::new();
    for kind in stores {
        let opened = Opened::new(kind).await?;
        let site = Site::start(opened.store.clone(), waits)?;
        let found = measure_store(&site, kind.name(), pairs, &only, &mut dice).await;
        site.worker.stop().await;
        drop((site.web, site.links));
        opened.close().await?;
        measured.extend(found?);
    }
    Ok(report(&measured, pairs, seed))
}

async fn measure_store(
    site: &Site,
    store: &'static str,
    pairs: usize,
    only: &[String],
    dice: &mut Dice,
) -> Outcome<Vec<Measured>> {
    let many = pairs + WARM_UP;
    eprintln!("{store}: making {} accounts", 3 * many);
    site.add_users(Accounts { name: endpoint::KNOWN, confirmed: true, codes: true }, many).await?;
    let unconfirmed = Accounts { name: endpoint::UNCONFIRMED, confirmed: false, codes: true };
    site.add_users(unconfirmed, many).await?;
    let first = Accounts { name: endpoint::WITHOUT_CODES, confirmed: true, codes: false };
    site.add_users(first, many).await?;
    site.add_users(Accounts { name: endpoint::MEASURING, confirmed: true, codes: false }, 1)
        .await?;
    let mut measured = Vec::new();
    for endpoint in endpoint::all() {
        if !only.is_empty() && !only.iter().any(|only| endpoint.name.starts_with(only.as_str())) {
            continue;
        }
        let mut progress = Progress::start(format!("{store}: {}", endpoint.name), pairs);
        let [now, next] = measure(site, &endpoint, pairs, dice, &mut progress).await?;
        progress.end();
        for (request, times) in [("itself", now), ("next", next)] {
            measured.push(Measured { store, endpoint: endpoint.name, request, times });
        }
    }
    Ok(measured)
}

/// Measures an endpoint. Returns its response times and those of the request that follows it.
async fn measure(
    site: &Site,
    endpoint: &Endpoint,
    pairs: usize,
    dice: &mut Dice,
    progress: &mut Progress,
) -> Outcome<[Times; 2]> {
    let web = if endpoint.links { &site.links } else { &site.web };
    let (client, mut after) = (Client::new(web, FROM).await?, Client::new(&site.web, FROM).await?);
    after.sign_in(&site::address(endpoint::MEASURING, 0), site::PASSWORD).await?;
    let [unknown, control] = endpoint.unknown;
    let names = [endpoint.known, unknown, control];
    let [mut now, mut next] = [Times::default(), Times::default()];
    let mut status = None;
    for number in 0..pairs + WARM_UP {
        for who in dice.order() {
            let name = names.get(who).copied().unwrap_or_default();
            let (path, body) = (endpoint.request)(&site::address(name, number));
            let (answered, took) = client.post(&path, &body).await?;
            let (next_answered, next_took) = after.get(endpoint::NEXT).await?;
            if next_answered != StatusCode::OK {
                return Err(format!("{} is answered {next_answered}", endpoint::NEXT).into());
            }
            if *status.get_or_insert(answered) != answered {
                return Err(format!("{}: {name} is answered {answered}", endpoint.name).into());
            }
            if number >= WARM_UP {
                now.push(who, took);
                next.push(who, next_took);
            }
            site::settle(site.web.core()).await?;
        }
        progress.tick(number.saturating_sub(WARM_UP));
    }
    Ok([now, next])
}

fn report(measured: &[Measured], pairs: usize, seed: u64) -> bool {
    let most = threshold(2 * measured.len());
    let head = ["store", "endpoint", "request", "known", "unknown", "AUC", "z", "control", "z", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut passed = true;
    for Measured { store, endpoint, request, times } in measured {
        let [known, control] = times.differences();
        let equal = known.tells_nothing(most) && control.tells_nothing(most);
        passed &= equal;
        let [of_known, of_unknown] =
            times.medians().map(|median| format!("{} us", median.as_micros()));
        rows.push(vec![
            (*store).to_owned(),
            (*endpoint).to_owned(),
            (*request).to_owned(),
            of_known,
            of_unknown,
            format!("{:.3}", known.auc),
            format!("{:+.2}", known.z),
            format!("{:.3}", control.auc),
            format!("{:+.2}", control.z),
            if equal { "" } else { "tells" }.to_owned(),
        ]);
    }
    println!("{}", table::render(&rows));
    println!(
        "{pairs} pairs each, seed {seed}; AUC must be within {:.2} and {:.2}, |z| at most {most:.2} \
         (Bonferroni, {} comparisons)",
        0.5 - TOLERANCE,
        0.5 + TOLERANCE,
        2 * measured.len(),
    );
    passed
}

/// Random order of requests (xorshift64).
struct Dice(u64);

impl Dice {
    fn order(&mut self) -> [usize; 3] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        match self.0 % 6 {
            0 => [0, 1, 2],
            1 => [0, 2, 1],
            2 => [1, 0, 2],
            3 => [1, 2, 0],
            4 => [2, 0, 1],
            _ => [2, 1, 0],
        }
    }
}

/// Line that shows the progress of a measurement.
struct Progress {
    label: String,
    pairs: usize,
    started: Instant,
    drawn: Instant,
    terminal: bool,
}

impl Progress {
    fn start(label: String, pairs: usize) -> Self {
        let (started, terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Self { label, pairs, started, drawn: started, terminal }
    }

    fn tick(&mut self, done: usize) {
        if self.terminal && self.drawn.elapsed() > Duration::from_millis(500) {
            self.drawn = Instant::now();
            eprint!("\r{} {done} of {}", self.label, self.pairs);
            let _ = std::io::stderr().flush();
        }
    }

    fn end(self) {
        let seconds = self.started.elapsed().as_secs();
        let start = if self.terminal { "\r" } else { "" };
        eprintln!("{start}{}: {} pairs in {seconds} s", self.label, self.pairs);
    }
}
