//! Who may see which page.

fs_core::policy! {
    /// Anybody with an account.
    pub(crate) Member = signed_in();
    /// Writes pages.
    pub(crate) Editor = any_role("admin", "editor");
    /// Gives and takes roles.
    pub(crate) Administrator = all_roles("admin");
    /// Has typed the password lately.
    pub(crate) Recent = fresh(5 minutes);
}
