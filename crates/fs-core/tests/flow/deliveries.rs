//! Tests of the delivery of decoys, which stand in for mails to addresses without an account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::port::{Clock, MailError, Mailer, OutboxId, OutgoingMail};
use fs_testkit::clock::VirtualClock;
use fs_testkit::site::Setup;

use crate::people::ANN;

const NOBODY: &str = "nobody@site.test";

/// Clock that passes while something waits for it.
#[derive(Clone)]
struct Passing(VirtualClock);

#[async_trait]
impl Clock for Passing {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn wait(&self, span: Duration) {
        self.0.advance(span);
    }
}

/// Mailer whose server takes some time, and refuses what `refuses` says.
struct Slow {
    clock: VirtualClock,
    takes: Mutex<Duration>,
    refuses: Mutex<bool>,
}

#[async_trait]
impl Mailer for Slow {
    async fn send(&self, _: &OutboxId, _: &OutgoingMail) -> Result<(), MailError> {
        self.clock.advance(*self.takes.lock().unwrap());
        match *self.refuses.lock().unwrap() {
            true => Err(MailError::Temporary("busy".to_owned())),
            false => Ok(()),
        }
    }
}

/// Otherwise the time at which the next mail of the outbox arrives would tell which it was.
#[tokio::test]
async fn a_decoy_takes_as_long_as_the_latest_mail() {
    let clock = VirtualClock::default();
    let takes = Mutex::new(Duration::from_millis(300));
    let mailer = Arc::new(Slow { clock: clock.clone(), takes, refuses: Mutex::new(false) });
    let site = Setup::standard().build_with(|ports| {
        ports.clock = Arc::new(Passing(clock.clone()));
        ports.mailer = Arc::clone(&mailer) as Arc<dyn Mailer>;
    });
    site.add_user(ANN).await;
    let time_of = async |email: &str| {
        let asked = site.core().accounts().request_reset(&site.context(), email).await;
        assert!(asked.is_ok(), "{asked:?}");
        let before = clock.now();
        let _ = site.core().deliver_mails().await.unwrap();
        clock.now().since(before)
    };
    assert_eq!(time_of(NOBODY).await, Duration::from_millis(200), "before the first mail");
    assert_eq!(time_of(ANN).await, Duration::from_millis(300));
    assert_eq!(time_of(NOBODY).await, Duration::from_millis(300));
    // A server that accepts nothing holds no decoys up.
    *mailer.refuses.lock().unwrap() = true;
    *mailer.takes.lock().unwrap() = Duration::from_secs(60);
    assert_eq!(time_of(ANN).await, Duration::from_secs(60));
    assert_eq!(time_of(NOBODY).await, Duration::from_millis(300));
    *mailer.refuses.lock().unwrap() = false;
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(time_of(ANN).await, Duration::from_secs(120), "with the one that was retried");
    assert_eq!(time_of(NOBODY).await, Duration::from_secs(5), "at most");
}
