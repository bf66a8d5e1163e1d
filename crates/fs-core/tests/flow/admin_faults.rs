//! Fault injection at every port call of administrators' operations.

use fs_core::flow::{AdminError, NewAccount};
use fs_core::model::{Permissions, Role, SealedSecret, User};
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::every_fault::every_fault;
use crate::faults::add_ann;
use crate::people::{ANN, NEW};

type Done = Result<(), AdminError>;

/// Returns a setup whose tokens have a uniquifier of their own, so that every operation has an
/// effect.
fn setup() -> Setup {
    let mut setup = Setup::standard();
    setup.config.auth_tokens.own_uniquifier = true;
    setup
}

async fn add_role(site: &Site) {
    let mut editor = Role::named("editor");
    editor.permissions = Permissions::from_text("read");
    site.core().admin().create_role(editor).await.unwrap();
}

/// Creates an account with a role.
async fn add_editor(site: &Site, session: &mut Session) -> User {
    add_role(site).await;
    let user = add_ann(site, session).await;
    assert!(site.core().admin().add_role_to_user(&user.id, "editor").await.unwrap());
    user
}

async fn of_an_editor(run: impl AsyncFn(&Site, User) -> Done) {
    every_fault(setup, add_editor, async |site, _, user| run(site, user).await).await;
}

/// Converts the result of an operation that must have had an effect.
fn did(changed: bool) -> Done {
    assert!(changed);
    Ok(())
}

#[tokio::test]
async fn making_and_removing_accounts() {
    every_fault(
        setup,
        async |site, _| add_role(site).await,
        async |site, _, ()| {
            let mut new = NewAccount::new(ANN);
            new.password = Some(PASSWORD.into());
            new.roles = vec!["editor".to_owned()];
            site.core().admin().create_user(&site.context(), new).await.map(drop)
        },
    )
    .await;
    of_an_editor(async |site, user| {
        site.core().admin().delete_user(&site.context(), &user.id).await
    })
    .await;
}

#[tokio::test]
async fn shutting_out_and_letting_in() {
    of_an_editor(async |site, user| did(site.core().admin().deactivate_user(&user.id).await?))
        .await;
    of_an_editor(async |site, user| did(!site.core().admin().toggle_active(&user.id).await?)).await;
    let shut = async |site: &Site, session: &mut Session| {
        let user = add_ann(site, session).await;
        assert!(site.core().admin().deactivate_user(&user.id).await.unwrap());
        user
    };
    every_fault(setup, shut, async |site, _, user: User| {
        did(site.core().admin().activate_user(&user.id).await?)
    })
    .await;
    every_fault(setup, shut, async |site, _, user: User| {
        did(site.core().admin().toggle_active(&user.id).await?)
    })
    .await;
}

#[tokio::test]
async fn roles_and_permissions() {
    let nothing = async |_: &Site, _: &mut Session| ();
    every_fault(setup, nothing, async |site, _, ()| {
        site.core().admin().create_role(Role::named("writer")).await
    })
    .await;
    every_fault(setup, nothing, async |site, _, ()| {
        site.core().admin().find_or_create_role(Role::named("writer")).await.map(drop)
    })
    .await;
    of_an_editor(async |site, user| {
        did(site.core().admin().remove_role_from_user(&user.id, "editor").await?)
    })
    .await;
    let without = async |site: &Site, session: &mut Session| {
        add_role(site).await;
        add_ann(site, session).await
    };
    every_fault(setup, without, async |site, _, user: User| {
        did(site.core().admin().add_role_to_user(&user.id, "editor").await?)
    })
    .await;
    let write = Permissions::from_text("write");
    of_an_editor(async |site, _| {
        did(site.core().admin().add_permissions_to_role("editor", &write).await?)
    })
    .await;
    let read = Permissions::from_text("read");
    of_an_editor(async |site, _| {
        did(site.core().admin().remove_permissions_from_role("editor", &read).await?)
    })
    .await;
}

#[tokio::test]
async fn ending_what_an_account_is_trusted_with() {
    of_an_editor(async |site, user| site.core().admin().set_uniquifier(&user.id).await).await;
    of_an_editor(async |site, user| site.core().admin().set_token_uniquifier(&user.id).await).await;
    of_an_editor(async |site, user| site.core().admin().reset_user_access(&user.id).await).await;
    of_an_editor(async |site, user| {
        let (ctx, new) = (site.context(), NEW.into());
        site.core().admin().change_password(&ctx, &user, &new, true).await
    })
    .await;
}

#[tokio::test]
async fn second_factors_and_other_methods() {
    let secret = || Some(SealedSecret::new("sealed"));
    let phone = || Some("+4915112345678".to_owned());
    of_an_editor(async |site, user| {
        site.core()
            .admin()
            .set_second_factor(&user, fs_core::config::CodeMethod::Sms, secret(), phone())
            .await
    })
    .await;
    of_an_editor(async |site, user| {
        site.core()
            .admin()
            .set_sign_in_method(&user, fs_core::config::CodeMethod::Sms, secret(), phone())
            .await
    })
    .await;
    of_an_editor(async |site, user| site.core().admin().remove_second_factor(&user.id).await).await;
    of_an_editor(async |site, user| site.core().admin().remove_sign_in_methods(&user.id).await)
        .await;
}
