//! Outbox of the control plane: the mails and signals that were sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fs_core::event::{Event, EventRecord};
use fs_core::port::{
    EventSink, MailError, Mailer, OutboxId, OutgoingMail, OutgoingSms, SmsError, SmsSender,
};
use serde_json::{Value, json};

/// Collector of mails and signals.
#[derive(Clone, Default)]
pub(super) struct Outbox(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    mails: Vec<Value>,
    signals: Vec<Value>,
    sms: Vec<Value>,
    mail_fails: bool,
    sms_fails: bool,
}

impl Outbox {
    pub(super) fn new(mail_fails: bool, sms_fails: bool) -> Self {
        let collected = Collected { mail_fails, sms_fails, ..Collected::default() };
        Self(Arc::new(Mutex::new(collected)))
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes and returns everything that was sent since the last call.
    pub(super) fn drain(&self) -> Value {
        let mut collected = self.collected();
        let mails = std::mem::take(&mut collected.mails);
        let signals = std::mem::take(&mut collected.signals);
        let sms = std::mem::take(&mut collected.sms);
        json!({ "mails": mails, "sms": sms, "signals": signals })
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, _: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        let mut collected = self.collected();
        if collected.mail_fails {
            return Err(MailError::Temporary("the contract says so".to_owned()));
        }
        collected.mails.push(json!({
            "to": mail.to,
            "template": mail.template,
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
        }));
        Ok(())
    }
}

#[async_trait]
impl SmsSender for Outbox {
    async fn send(&self, _: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError> {
        let mut collected = self.collected();
        if collected.sms_fails {
            return Err(SmsError::Temporary("the contract says so".to_owned()));
        }
        collected.sms.push(json!({ "to": message.to, "text": message.text.expose() }));
        Ok(())
    }
}

impl EventSink for Outbox {
    fn emit(&self, record: &EventRecord) {
        if let Some((name, user, args)) = signal(&record.event) {
            self.collected().signals.push(json!({ "name": name, "user": user, "args": args }));
        }
    }
}

/// Returns Flask-Security's signal for an event, with the user and the names of its arguments.
fn signal(event: &Event) -> Option<(&'static str, &str, &'static [&'static str])> {
    Some(match event {
        Event::UserAuthenticated { user, .. } => {
            ("user_authenticated", &user.email, &["authn_via", "user"])
        }
        Event::UserRegistered { user, .. } => (
            "user_registered",
            &user.email,
            &["confirm_token", "confirmation_token", "form_data", "user"],
        ),
        Event::UserConfirmed { user } => ("user_confirmed", &user.email, &["user"]),
        Event::ConfirmInstructionsSent { user } => {
            ("confirm_instructions_sent", &user.email, &["confirmation_token", "token", "user"])
        }
        Event::ResetPasswordInstructionsSent { user } => {
            ("reset_password_instructions_sent", &user.email, &["reset_token", "token", "user"])
        }
        Event::PasswordReset { user } => ("password_reset", &user.email, &["user"]),
        Event::PasswordChanged { user } => ("password_changed", &user.email, &["user"]),
        Event::SecondFactorConfirmed { user, .. } => {
            ("tf_code_confirmed", &user.email, &["method", "user"])
        }
        Event::SecondFactorChanged { user, .. } => {
            ("tf_profile_changed", &user.email, &["method", "user"])
        }
        Event::SecondFactorDisabled { user } => ("tf_disabled", &user.email, &["user"]),
        Event::SecondFactorCodeSent { user, .. } => {
            ("tf_security_token_sent", &user.email, &["method", "phone_number", "token", "user"])
        }
        Event::SignInCodeSent { user, .. } => (
            "us_security_token_sent",
            &user.email,
            &["login_token", "method", "phone_number", "send_magic_link", "token", "user"],
        ),
        Event::SignInMethodChanged { user, .. } => {
            ("us_profile_changed", &user.email, &["method", "user"])
        }
        Event::SignInLinkSent { user } => {
            ("login_instructions_sent", &user.email, &["login_token", "user"])
        }
        _ => return None,
    })
}
