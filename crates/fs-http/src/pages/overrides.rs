//! Templates of the application, in the place of ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::{Error, ErrorKind};
use serde_json::Map;

use super::error::innermost;
use super::{FieldView, FormView, PageView, Pages, PagesError, builtin};

/// Endings of the names of templates.
const ENDINGS: [&str; 3] = ["html", "txt", "css"];

impl Pages {
    /// Reads every template of the directory.
    pub(super) fn override_from(&mut self, directory: &Path) -> Result<(), PagesError> {
        for path in templates(directory)? {
            let Some(name) = name(directory, &path) else { continue };
            let source =
                fs::read_to_string(&path).map_err(|source| read_error(path.clone(), source))?;
            self.files.insert(name.clone(), path);
            self.replace(name, source)?;
        }
        Ok(())
    }

    /// Puts a template in the place of ours, or beside ours.
    pub(super) fn replace(&mut self, name: String, source: String) -> Result<(), PagesError> {
        match self.env.add_template_owned(name, source) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.mistake(&error)),
        }
    }

    /// Returns the templates of the application below `security/` that replace no default template
    /// and that no other template names. Their names are probably misspelled.
    pub(crate) fn misnamed(&self) -> Vec<&str> {
        let is_default = |name: &str| builtin::TEMPLATES.iter().any(|(known, _)| *known == name);
        let is_used = |name: &str| {
            let quoted = [format!("\"{name}\""), format!("'{name}'")];
            let names_it = |source: &str| quoted.iter().any(|quoted| source.contains(quoted));
            self.env.templates().any(|(_, template)| names_it(template.source()))
        };
        let names = self.env.templates().map(|(name, _)| name);
        let own = names.filter(|name| name.starts_with("security/") && !is_default(name));
        let mut misnamed: Vec<_> = own.filter(|name| !is_used(name)).collect();
        // The engine has no order of its own.
        misnamed.sort_unstable();
        misnamed
    }

    /// Writes the default templates into a directory, as the start of an application's own for
    /// [`PagesConfig::directory`](super::PagesConfig::directory). Files that exist are left as they
    /// are. Returns the files that were written.
    ///
    /// Keep the ones that you change and delete the others, so that they are updated with this
    /// library.
    ///
    /// # Errors
    ///
    /// Returns [`PagesError::Write`] if a file or directory cannot be created.
    ///
    /// ```
    /// use fs_http::pages::Pages;
    ///
    /// let directory = tempfile::tempdir()?;
    /// let written = Pages::write_defaults(directory.path())?;
    /// assert!(written.contains(&directory.path().join("security/login_user.html")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_defaults(directory: &Path) -> Result<Vec<PathBuf>, PagesError> {
        let mut written = Vec::new();
        for (name, source) in builtin::TEMPLATES {
            let path = directory.join(name);
            let failed = |source| PagesError::Write { path: path.clone(), source };
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    io::Write::write_all(&mut file, source.as_bytes()).map_err(failed)?;
                    written.push(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(written)
    }

    /// Renders each of our pages and mails once. Some mistakes show only then, such as the name of
    /// a filter that does not exist. Failures that may come from values that only the application
    /// has are no mistakes.
    pub(super) fn try_out(&self) -> Result<(), PagesError> {
        let context = Map::new();
        for (name, _) in builtin::TEMPLATES {
            let mut page = PageView::new(*name, "Try");
            page.forms.push(FormView {
                fields: vec![FieldView::default()],
                ..FormView::new("try_form", "/", "Try")
            });
            let Ok(template) = self.env.get_template(name) else { continue };
            match template.render(self.page_context(&page, &context)) {
                Err(error) if is_mistake(&error) => return Err(self.mistake(&error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Checks whether a template fails whatever its values are. The context contains no functions and
/// no objects with methods, so an unknown function or method is a mistake too.
fn is_mistake(error: &Error) -> bool {
    matches!(
        innermost(error).kind(),
        ErrorKind::SyntaxError
            | ErrorKind::TemplateNotFound
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::UnknownBlock
            | ErrorKind::TooManyArguments
            | ErrorKind::MissingArgument
    )
}

/// Returns the template files below a directory. Hidden files are left out, and links to
/// directories are not followed.
fn templates(directory: &Path) -> Result<Vec<PathBuf>, PagesError> {
    let failed = |source| read_error(directory.to_owned(), source);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            found.extend(templates(&path)?);
        } else if path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the name of a template: its path below the directory, with slashes.
fn name(directory: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<_>> =
        path.strip_prefix(directory).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn read_error(path: PathBuf, source: io::Error) -> PagesError {
    PagesError::Read { path, source }
}
