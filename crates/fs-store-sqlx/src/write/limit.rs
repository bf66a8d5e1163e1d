//! Changes of spent secrets and of counters.

use std::time::Duration;

use fs_core::Timestamp;
use fs_core::port::{CommitError, Counter, Guard, SpentSecret};

use super::{Outcome, Work};
use crate::value::Value;

impl Work<'_> {
    pub(super) async fn spend(&mut self, secret: &SpentSecret, until: Timestamp) -> Outcome {
        let insert = "INSERT INTO fs_spent (digest, expires_at) VALUES (?, ?) \
                      ON CONFLICT (digest) DO NOTHING";
        let values = vec![Value::Bytes(secret.0.to_vec()), Value::micros(until)];
        match self.tx.execute(insert, values).await? {
            0 => Err(CommitError::Stale(Guard::Secret)),
            _ => Ok(()),
        }
    }

    pub(super) async fn count(
        &mut self,
        counter: &Counter,
        now: Timestamp,
        cap: u32,
        window: Duration,
    ) -> Outcome {
        let stale = || CommitError::Stale(Guard::Counter(counter.clone()));
        let at = || Value::micros(now);
        let written = self
            .tx
            .execute(
                "INSERT INTO fs_counter (name, count, expires_at) VALUES (?, 1, ?) \
                 ON CONFLICT (name) DO UPDATE SET \
                 count = CASE WHEN fs_counter.expires_at <= ? THEN 1 \
                 ELSE fs_counter.count + 1 END, \
                 expires_at = CASE WHEN fs_counter.expires_at <= ? THEN excluded.expires_at \
                 ELSE fs_counter.expires_at END \
                 WHERE fs_counter.expires_at <= ? OR fs_counter.count < ?",
                vec![
                    counter.as_str().into(),
                    Value::micros(now.plus(window)),
                    at(),
                    at(),
                    at(),
                    i64::from(cap).into(),
                ],
            )
            .await?;
        // A cap of zero costs the same as one that is reached.
        if written == 0 || cap == 0 {
            return Err(stale());
        }
        Ok(())
    }

    pub(super) async fn uncount(&mut self, counter: &Counter) -> Outcome {
        let update = "UPDATE fs_counter SET count = count - 1 WHERE name = ? AND count > 0";
        self.tx.execute(update, vec![counter.as_str().into()]).await?;
        Ok(())
    }

    pub(super) async fn reset_count(&mut self, counter: &Counter) -> Outcome {
        let delete = "DELETE FROM fs_counter WHERE name = ?";
        self.tx.execute(delete, vec![counter.as_str().into()]).await?;
        Ok(())
    }
}
