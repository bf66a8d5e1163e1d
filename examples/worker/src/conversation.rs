//! Conversation: runs the flow of each line, and returns its outcome in words.

use std::net::IpAddr;
use std::sync::Arc;

use fs_core::flow::{Credentials, FlowError, SignInOutcome, ValidateOutcome};
use fs_core::model::User;
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_core::{Context, Security};

/// State of one connection.
pub(crate) struct Conversation {
    security: Security,
    peer: IpAddr,
    session: Session,
    over: bool,
}

/// Command of a line.
enum Command {
    Login(Credentials),
    Code(Secret),
    WhoAmI,
    Quit,
}

impl Conversation {
    pub(crate) fn new(security: Security, peer: IpAddr) -> Self {
        Self { security, peer, session: Session::default(), over: false }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Answers a line, and logs it without what was typed.
    pub(crate) async fn answer(&mut self, line: &str) -> String {
        let command = command(line);
        let name = command.as_ref().map_or("unknown", Command::name);
        let answer = match command {
            Some(Command::Login(credentials)) => self.login(credentials).await,
            Some(Command::Code(code)) => self.code(code.expose()).await,
            Some(Command::WhoAmI) => self.who_am_i().await,
            Some(Command::Quit) => {
                self.over = true;
                Ok("bye".to_owned())
            }
            None => Ok("no such command".to_owned()),
        };
        let answer = answer.unwrap_or_else(|error| match error {
            FlowError::TooMany(wait) | FlowError::Busy(wait) => {
                format!("wait {}", wait.as_secs().max(1))
            }
            error => {
                tracing::error!(%error, "a flow failed");
                "error".to_owned()
            }
        });
        let outcome = answer.split(' ').next().unwrap_or_default();
        tracing::info!(peer = %self.peer, command = name, outcome);
        answer + "\n"
    }

    /// Answers input that is not a line.
    pub(crate) fn refuse(&mut self) -> String {
        self.over = true;
        "no such line\n".to_owned()
    }

    /// Ends the session, with the connection.
    pub(crate) async fn end(&mut self) {
        let ended = match self.current().await {
            Ok(user) => {
                let ctx = self.context();
                self.security
                    .sessions()
                    .sign_out(&ctx, &mut self.session, user.as_deref(), None)
                    .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "a session was left to expire");
        }
    }

    async fn login(&mut self, credentials: Credentials) -> Result<String, FlowError> {
        let ctx = self.context();
        let flow = self.security.sign_in().with_password(&ctx, &mut self.session, credentials);
        Ok(match flow.await? {
            SignInOutcome::Done { user, .. } => ok(&user),
            SignInOutcome::SecondFactor { challenge, .. } => match challenge.method {
                Some(method) if challenge.sent => format!("code {}", method.name()),
                Some(_) => "no code could be sent".to_owned(),
                None => "no second factor is set up".to_owned(),
            },
            // The answer must not reveal whether the account exists.
            SignInOutcome::Refused(_) => "no".to_owned(),
        })
    }

    async fn code(&mut self, code: &str) -> Result<String, FlowError> {
        // For a signed-in user, the same flow would set up another second factor.
        if self.session.pending().is_none() {
            return Ok("no code is wanted".to_owned());
        }
        let ctx = self.context();
        let flow =
            self.security.second_factors().validate(&ctx, &mut self.session, None, code, None);
        Ok(match flow.await? {
            ValidateOutcome::SignedIn { user, .. } => ok(&user),
            ValidateOutcome::NotPending => "no code is wanted".to_owned(),
            _ => "no".to_owned(),
        })
    }

    async fn who_am_i(&self) -> Result<String, FlowError> {
        Ok(self.current().await?.map_or("nobody".to_owned(), |user| ok(&user)))
    }

    /// Returns the signed-in user. Reads the store each time, so that a deactivated account is
    /// signed out at once.
    async fn current(&self) -> Result<Option<Arc<User>>, FlowError> {
        self.security.sessions().authenticate(&self.context(), &self.session).await
    }

    /// Returns the context that flows need. Rate limits use the client's address.
    fn context(&self) -> Context {
        let mut ctx = self.security.context();
        ctx.client_ip = Some(self.peer);
        ctx
    }
}

fn ok(user: &User) -> String {
    format!("ok {}", user.email)
}

fn command(line: &str) -> Option<Command> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "login" => {
            let (name, password) = rest.split_once(' ')?;
            let mut credentials = Credentials::new(name, Secret::from(password));
            credentials.remember = Some(false);
            Some(Command::Login(credentials))
        }
        "code" => Some(Command::Code(Secret::from(rest))),
        "whoami" => Some(Command::WhoAmI),
        "quit" => Some(Command::Quit),
        _ => None,
    }
}

impl Command {
    const fn name(&self) -> &'static str {
        match self {
            Self::Login(_) => "login",
            Self::Code(_) => "code",
            Self::WhoAmI => "whoami",
            Self::Quit => "quit",
        }
    }
}
