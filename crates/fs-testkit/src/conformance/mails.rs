//! Rules for the outbox.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::port::{
    Change, OutboxEntry, OutboxId, OutboxMessage, OutgoingMail, OutgoingMessage, OutgoingSms,
    UserStore,
};

use super::Violation;
use super::check::equal;
use super::facts::{at, content, mail};

async fn enqueue(store: &dyn UserStore, entry: OutboxEntry) -> Result<(), Violation> {
    store.commit(Change::Enqueue(Box::new(entry)).into()).await?;
    Ok(())
}

/// Claims mails at second `now`, with a lease until second `until`.
async fn claim(
    store: &dyn UserStore,
    now: i64,
    until: i64,
    limit: u32,
) -> Result<Vec<String>, Violation> {
    let mails = store.claim_messages(at(now), at(until), limit).await?;
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
        ..content("")
    };
    let mails = [content(""), OutgoingMail { text: None, ..long.clone() }, long];
    for (number, mail) in mails.into_iter().enumerate() {
        keeps(&*store, &format!("mail{number}"), OutgoingMessage::Mail(mail)).await?;
    }
    Ok(())
}

/// Checks that a message is claimed as it was added.
async fn keeps(store: &dyn UserStore, id: &str, message: OutgoingMessage) -> Result<(), Violation> {
    let id = OutboxId(id.to_owned());
    let entry = OutboxEntry { id: id.clone(), message: message.clone(), at: at(0) };
    enqueue(store, entry).await?;
    let should = vec![OutboxMessage { id, message, attempts: 0 }];
    equal(store.claim_messages(at(0), at(60), 10).await?, should, "the message")
}

pub(super) async fn a_text_message_is_kept_as_one(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let text = "123456 is your code. Grüße 🎉".into();
    let sms = OutgoingSms { to: "+41446681800".to_owned(), text };
    keeps(&*store, "sms", OutgoingMessage::Sms(sms)).await?;
    // Mails of an application, whatever their template is called.
    let mail = OutgoingMail { template: "text message".to_owned(), ..content("") };
    keeps(&*store, "mail", OutgoingMessage::Mail(mail)).await
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
        store.commit(Change::Delivered(OutboxId(id.to_owned())).into()).await?;
    }
    equal(claim(&*store, 1_000, 2_000, 10).await?, names(&["b"]), "what is left")
}

pub(super) async fn a_failed_mail_comes_back_when_due(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let failed = |id: &str, due| Change::DeliveryFailed {
        message: OutboxId(id.to_owned()),
        due,
        reason: format!("450 try later {}", "ä".repeat(2_000)),
    };
    for id in ["a", "never"] {
        enqueue(&*store, mail(id, 0)).await?;
    }
    for (round, now) in [0, 100, 200].into_iter().enumerate() {
        let mails = store.claim_messages(at(now), at(now + 60), 10).await?;
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
        let (message, reason) = (OutboxId(id.to_owned()), "450 try later".to_owned());
        store.commit(Change::DeliveryFailed { message, due, reason }.into()).await?;
    }
    let sms = OutgoingSms { to: "+41446681800".to_owned(), text: "123456".into() };
    let (id, message) = (OutboxId("text".to_owned()), OutgoingMessage::Sms(sms));
    enqueue(&*store, OutboxEntry { id: id.clone(), message, at: at(0) }).await?;
    let (due, reason) = (Timestamp::MAX, "no such number".to_owned());
    store.commit(Change::DeliveryFailed { message: id, due, reason }.into()).await?;
    let (end, many) = (Timestamp::MAX, 10);
    let mails = store.claim_messages(end, end, many).await?;
    let kept = mails.into_iter().map(|waiting| match waiting.message {
        OutgoingMessage::Mail(mail) => {
            (waiting.id.0, mail.to.is_empty(), mail.text.is_some() || mail.html.is_some())
        }
        OutgoingMessage::Sms(sms) => {
            (waiting.id.0, sms.to.is_empty(), !sms.text.expose().is_empty())
        }
    });
    let should = [("later", false, true), ("never", false, false), ("text", false, false)];
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
    let message = OutgoingMessage::Mail(content("another"));
    enqueue(&*store, OutboxEntry { message, ..mail("a", 0) }).await?;
    equal(claim(&*store, 9, 60, 10).await?, names(&[]), "before the first one is due")?;
    let waiting = store.claim_messages(at(10), at(60), 10).await?;
    let messages: Vec<_> = waiting.into_iter().map(|waiting| waiting.message).collect();
    equal(messages, vec![OutgoingMessage::Mail(content("a"))], "the first one")
}
