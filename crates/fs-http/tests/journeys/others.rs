//! Actions of administrators on accounts, and of thieves and accidents on cookies.

use fs_core::flow::AdminError;
use fs_core::model::User;

use crate::model::Jar;
use crate::plan::{BROWSERS, Deed, PEOPLE, Step};
use crate::world::{Result, World};

impl World {
    pub(crate) async fn administer(&mut self, step: &Step) -> Result<bool> {
        let Some(user) = self.site.user(PEOPLE[step.who]).await else { return Ok(false) };
        self.administer_user(step, &user).await.map_err(|error| error.to_string())
    }

    async fn administer_user(
        &mut self,
        step: &Step,
        user: &User,
    ) -> std::result::Result<bool, AdminError> {
        let site = self.site.clone();
        let (core, ctx) = (site.core(), site.context());
        let (number, new) = self.new_password(step);
        let person = &mut self.model.people[step.who];
        let mut ends = true;
        match step.deed {
            Deed::Deactivate => {
                person.active = false;
                let done = core.admin().deactivate_user(&user.id).await?;
                // In Flask-Security's profile the credentials are only suspended.
                if done && !self.model.plan.flask {
                    self.model.ends_all(step.who);
                }
                return Ok(done);
            }
            Deed::Activate => {
                person.active = true;
                return core.admin().activate_user(&user.id).await;
            }
            Deed::NewUniquifier => core.admin().set_uniquifier(&user.id).await?,
            Deed::TakeAccessAway => {
                core.admin().reset_user_access(&user.id).await?;
                (person.factor, person.app) = (None, None);
            }
            Deed::TakeFactorAway => {
                core.admin().remove_second_factor(&user.id).await?;
                person.factor = None;
                ends = false;
            }
            Deed::GiveNewPassword => {
                core.admin().change_password(&ctx, user, &new.as_str().into(), false).await?;
                person.password = number;
            }
            _ => {
                core.admin().delete_user(&ctx, &user.id).await?;
                (person.exists, person.factor, person.app) = (false, None, None);
                self.close_undo(step.who);
                self.tries.deleted(step.who);
            }
        }
        if ends {
            self.model.ends_all(step.who);
        }
        Ok(true)
    }

    pub(crate) fn handle_cookies(&mut self, step: &Step) -> bool {
        let name = self.site.web.config().session_cookie.name.clone();
        match step.deed {
            Deed::CopyCookies => {
                if self.copies.len() == 4 {
                    self.copies.remove(step.which % 4);
                }
                self.copies.push(self.browsers[step.browser].clone());
            }
            Deed::PutCookiesBack => match step.which.checked_rem(self.copies.len()) {
                Some(number) => self.browsers[step.browser] = self.copies[number].clone(),
                None => return false,
            },
            Deed::TakeCookiesOfAnother => {
                let other = step.which % BROWSERS;
                self.browsers[step.browser] = self.browsers[other].clone();
            }
            Deed::LoseSessionCookie => {
                let (browser, jar) = &mut self.browsers[step.browser];
                browser.cookies.remove(&name);
                *jar = Jar { remembered: jar.remembered, ..Jar::default() };
            }
            _ => {
                let (browser, jar) = &mut self.browsers[step.browser];
                let Some(cookie) = browser.cookies.get_mut(&name) else { return false };
                let at = 10 + step.which;
                let other = if cookie.as_bytes()[at] == b'A' { "B" } else { "A" };
                cookie.replace_range(at..=at, other);
                *jar = Jar { remembered: jar.remembered, ..Jar::default() };
            }
        }
        true
    }
}
