//! Measurement of how long other users wait while one client has a hundred sign-ins in progress.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fs_core::flow::NewAccount;
use fs_core::password::{HashAnswer, HashJob};
use fs_core::port::{HashPool, HashPoolError};
use fs_services::hash_pool::{HashPoolSize, ThreadHashPool};
use fs_store_memory::MemoryStore;
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::site::{PASSWORD, config, ports, web, wide};
use crate::statistics::quantile;
use crate::{Outcome, table};

/// Wrong password that is checked in two spellings, so that it costs two hashes.
const TWO_SPELLINGS: &str = "not the right p\u{e4}ssword";
/// Maximum median wait of other users, in hashes.
const MOST: f64 = 3.0;

/// Hash pool that counts its hashes.
struct Counted {
    inner: ThreadHashPool,
    hashes: Arc<AtomicU64>,
}

#[async_trait]
impl HashPool for Counted {
    async fn run(&self, job: HashJob) -> Result<HashAnswer, HashPoolError> {
        let turns = u64::from(job.turns());
        let answer = self.inner.run(job).await;
        if answer.is_ok() {
            self.hashes.fetch_add(turns, Ordering::Relaxed);
        }
        answer
    }
}

/// User who signs in again and again.
struct Person {
    name: &'static str,
    email: &'static str,
    from: [u8; 4],
}

const OTHERS: [Person; 2] = [
    Person { name: "another network", email: "ann@site.test", from: [203, 0, 113, 7] },
    Person { name: "the same network", email: "bob@site.test", from: [192, 0, 2, 66] },
];
const CROWD: [u8; 4] = [192, 0, 2, 66];

/// Measures the waits and prints a table. Returns whether other users waited no longer than
/// allowed.
pub(crate) async fn run(sign_ins: usize, crowd: usize) -> Outcome<bool> {
    let size = HashPoolSize::default();
    let hashes = Arc::new(AtomicU64::new(0));
    let pool = Counted { inner: ThreadHashPool::start(size)?, hashes: Arc::clone(&hashes) };
    let mut ports = ports(Arc::new(MemoryStore::new()))?;
    ports.hash_pool = Arc::new(pool);
    let mut config = config()?;
    config.limits = wide();
    let site = web(config, ports)?;
    for email in OTHERS.iter().map(|person| person.email).chain(["eve@site.test"]) {
        let mut new = NewAccount::new(email);
        new.password = Some(PASSWORD.into());
        new.confirmed = true;
        site.core().admin().create_user(&site.core().context(), new).await?;
    }
    let mut rows = vec![
        ["others in", "sign-ins", "hash", "median wait", "95 %", "alone", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut passed = true;
    for person in &OTHERS {
        let client = Client::new(&site, IpAddr::V4(Ipv4Addr::from(person.from))).await?;
        let alone = sign_in_again(&client, person.email, sign_ins / 4).await?;
        let eve = Client::new(&site, IpAddr::V4(Ipv4Addr::from(CROWD))).await?;
        let (stop, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut attackers = JoinSet::new();
        for _ in 0..crowd {
            attackers.spawn(attack(eve.clone(), Arc::clone(&stop), Arc::clone(&refused)));
        }
        // Wait until the queue is full.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (started, before) = (Instant::now(), hashes.load(Ordering::Relaxed));
        let waits = sign_in_again(&client, person.email, sign_ins).await;
        let done = hashes.load(Ordering::Relaxed) - before;
        let elapsed = started.elapsed();
        stop.store(true, Ordering::Relaxed);
        attackers.join_all().await.into_iter().collect::<Outcome<Vec<_>>>()?;
        #[expect(clippy::cast_precision_loss, reason = "counts of hashes and threads")]
        let hash = elapsed.as_secs_f64() * size.threads as f64 / done.max(1) as f64;
        let waits: Vec<_> = waits?.iter().map(|wait| wait.as_secs_f64() / hash).collect();
        let median = quantile(&waits, 0.5);
        passed &= median <= MOST;
        rows.push(vec![
            person.name.to_owned(),
            sign_ins.to_string(),
            format!("{:.1} ms", hash * 1_000.0),
            format!("{median:.2} hashes"),
            format!("{:.2} hashes", quantile(&waits, 0.95)),
            format!("{:.1} ms", median_of(&alone) * 1_000.0),
            if median <= MOST { "" } else { "too long" }.to_owned(),
        ]);
        eprintln!(
            "{}: {} sign-ins of the crowd were refused",
            person.name,
            refused.load(Ordering::Relaxed)
        );
    }
    println!("{}", table::render(&rows));
    println!(
        "{crowd} sign-ins of one client in two spellings at any time, {} hashing threads; the wait is \
         that for the whole answer, of which one hash is one's own",
        size.threads
    );
    Ok(passed)
}

fn median_of(times: &[Duration]) -> f64 {
    let seconds: Vec<_> = times.iter().map(Duration::as_secs_f64).collect();
    quantile(&seconds, 0.5)
}

/// Signs in `times` times in sequence with the right password. Returns the response times.
async fn sign_in_again(client: &Client, email: &str, times: usize) -> Outcome<Vec<Duration>> {
    let mut waits = Vec::with_capacity(times);
    for number in 0..times {
        let body = json!({ "email": email, "password": PASSWORD });
        let (status, took) = client.post("/login", &body).await?;
        if status != StatusCode::OK {
            return Err(format!("signing in as {email} is answered {status}").into());
        }
        waits.push(took);
        // Vary the pause, so that sign-ins do not run in step with the hashes.
        let pause = u64::try_from(number % 7).unwrap_or_default() * 3 + 1;
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(waits)
}

/// Guesses passwords until `stop` is set.
async fn attack(client: Client, stop: Arc<AtomicBool>, refused: Arc<AtomicUsize>) -> Outcome<()> {
    while !stop.load(Ordering::Relaxed) {
        let body = json!({ "email": "eve@site.test", "password": TWO_SPELLINGS });
        let (status, _) = client.post("/login", &body).await?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            refused.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}
