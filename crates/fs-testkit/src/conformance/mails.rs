//! Rules for the outbox.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::port::{Change, OutboxEntry, OutboxId, OutboxMail, OutgoingMail, UserStore};

use super::Violation;
use super::check::equal;
use super::facts::{at, mail};

async fn enqueue(store: &dyn UserStore, entry: OutboxEntry) -> Result<(), Violation> {
    store.commit(Change::EnqueueMail(Box::new(entry)).into()).await?;
    Ok(())
}

/// Claims mails at second `now`, with a lease until second `until`.
async fn claim(
    store: &dyn UserStore,
    now: i64,
    until: i64,
    limit: u32,
) -> Result<Vec<String>, Violation> {
    let mails = store.claim_mails(at(now), at(until), limit).await?;
    Ok(mails.into_iter().map(|mail| mail.id.0).collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) async fn a_mail_is_kept_with_every_field(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let long = OutgoingMail {
        subject: "Grüße 🎉".to_owned(),
        text: Some("line\r\n".repeat(20_000)),
        html: None,
        ..mail("", 0).mail
    };
    for (number, mail) in [mail("", 0).mail, OutgoingMail { text: None, ..long.clone() }, long]
        .into_iter()
        .enumerate()
    {
        let id = OutboxId(format!("mail{number}"));
        enqueue(&*store, OutboxEntry { id: id.clone(), mail: mail.clone(), at: at(0) }).await?;
        let should = vec![OutboxMail { id, mail, attempts: 0 }];
        equal(store.claim_mails(at(0), at(60), 10).await?, should, "the mail")?;
    }
    Ok(())
}

pub(super) async fn a_claimed_mail_is_hidden_until_the_lease_ends(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    enqueue(&*store, mail("a", 10)).await?;
    for (now, should) in [(9, &[] as &[&str]), (10, &["a"]), (10, &[]), (69, &[]), (70, &["a"])] {
        equal(claim(&*store, now, now + 60, 10).await?, names(should), &format!("at {now}"))?;
    }
    Ok(())
}

pub(super) async fn a_delivered_mail_is_gone(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    for id in ["a", "b", "c"] {
        enqueue(&*store, mail(id, 0)).await?;
    }
    claim(&*store, 0, 60, 2).await?;
    // A claimed mail, an unclaimed one, the same again, and one that does not exist.
    for id in ["a", "c", "c", "x"] {
        store.commit(Change::MailDelivered(OutboxId(id.to_owned())).into()).await?;
    }
    equal(claim(&*store, 1_000, 2_000, 10).await?, names(&["b"]), "what is left")
}

pub(super) async fn a_failed_mail_comes_back_when_due(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let failed = |id: &str, due| Change::MailFailed {
        mail: OutboxId(id.to_owned()),
        due,
        reason: format!("450 try later {}", "ä".repeat(2_000)),
    };
    for id in ["a", "never"] {
        enqueue(&*store, mail(id, 0)).await?;
    }
    for (round, now) in [0, 100, 200].into_iter().enumerate() {
        let mails = store.claim_mails(at(now), at(now + 60), 10).await?;
        let attempts: Vec<_> = mails.into_iter().map(|mail| (mail.id.0, mail.attempts)).collect();
        let mut should = vec![("a".to_owned(), u32::try_from(round).unwrap_or(0))];
        if now == 0 {
            should.push(("never".to_owned(), 0));
        }
        equal(attempts, should, &format!("at {now}"))?;
        store.commit(failed("a", at(now + 100)).into()).await?;
        if now == 0 {
            store.commit(failed("never", Timestamp::MAX).into()).await?;
        }
        equal(claim(&*store, now + 99, now + 160, 10).await?, names(&[]), "before it is due")?;
    }
    store.commit(failed("unknown", at(0)).into()).await?;
    equal(claim(&*store, 1_000_000_000, 1_000_000_060, 10).await?, names(&["a"]), "much later")
}

pub(super) async fn a_mail_that_is_given_up_keeps_no_body(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for (id, due) in [("later", at(100)), ("never", Timestamp::MAX)] {
        enqueue(&*store, mail(id, 0)).await?;
        claim(&*store, 0, 60, 10).await?;
        let (mail, reason) = (OutboxId(id.to_owned()), "450 try later".to_owned());
        store.commit(Change::MailFailed { mail, due, reason }.into()).await?;
    }
    let (end, many) = (Timestamp::MAX, 10);
    let mails = store.claim_mails(end, end, many).await?;
    let kept = mails.into_iter().map(|mail| {
        (mail.id.0, mail.mail.to.is_empty(), mail.mail.text.is_some() || mail.mail.html.is_some())
    });
    let should = [("later", false, true), ("never", false, false)];
    let should = should.map(|(id, nobody, body)| (id.to_owned(), nobody, body)).to_vec();
    equal(kept.collect::<Vec<_>>(), should, "whether there is a body")
}

pub(super) async fn the_longest_due_mails_come_first(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for (id, due) in [("c", 3), ("a", 1), ("d", 3), ("b", 2), ("later", 99), ("e", 4)] {
        enqueue(&*store, mail(id, due)).await?;
    }
    equal(claim(&*store, 50, 60, 0).await?, names(&[]), "none asked for")?;
    equal(claim(&*store, 50, 60, 3).await?, names(&["a", "b", "c"]), "the first three")?;
    equal(claim(&*store, 50, 60, u32::MAX).await?, names(&["d", "e"]), "the rest")
}

pub(super) async fn a_mail_of_a_known_id_changes_nothing(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    enqueue(&*store, mail("a", 10)).await?;
    let mut again = mail("a", 0);
    again.mail.subject = "Another".to_owned();
    enqueue(&*store, again).await?;
    equal(claim(&*store, 9, 60, 10).await?, names(&[]), "before the first one is due")?;
    let mails = store.claim_mails(at(10), at(60), 10).await?;
    let subjects: Vec<_> = mails.into_iter().map(|mail| mail.mail.subject).collect();
    equal(subjects, names(&["Mail a"]), "the first one")
}
