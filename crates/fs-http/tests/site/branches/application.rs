//! Application pages in the built-in frame, with every kind of element.

use bytes::Bytes;
use fs_core::message::Category;
use fs_http::pages::{ButtonView, ChoiceView, FieldKind, FieldView, FormView, LinkView, PageView};
use fs_http::{BodyRead, Exchange};
use fs_testkit::site::{Browser, Setup};
use http::{Method, StatusCode};

use super::Marked;

/// Renders a form with every kind of field, filled in or not, valid or invalid, and every notice.
pub(super) async fn shows_everything(templates: &Marked) {
    let site = templates.on(Setup::standard()).build();
    let (parts, _) = Browser::request(Method::GET, "/mine").into_parts();
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    for category in [Category::Info, Category::Success, Category::Error] {
        exchange.with_session(|session| session.flash(category, "Told."));
    }
    show(&exchange, full());
    show(&exchange, PageView::new("security/base.html", "Nothing"));
    for icon in [None, Some("mail"), Some("done")] {
        let mut page = PageView::notice("Done", "It is done.");
        if let Some(icon) = icon {
            page.extra.insert("icon".to_owned(), icon.into());
            page.extra.insert("advice".to_owned(), "Go on.".into());
        }
        show(&exchange, page);
    }
    let mut error = PageView::error(StatusCode::IM_A_TEAPOT, None);
    error.extra.remove("advice");
    show(&exchange, error);
}

fn show(exchange: &Exchange, page: PageView) {
    let answer: http::Response<Bytes> = exchange.page(StatusCode::OK, page);
    let text = String::from_utf8_lossy(answer.body());
    assert_eq!(answer.status(), StatusCode::OK, "{text}");
}

fn full() -> PageView {
    let kinds = [
        FieldKind::Text,
        FieldKind::Email,
        FieldKind::Password,
        FieldKind::Tel,
        FieldKind::Checkbox,
        FieldKind::Hidden,
        FieldKind::Radio,
        FieldKind::Number,
    ];
    let mut page = PageView::new("security/base.html", "Everything");
    for wrong in [true, false] {
        let mut form = FormView::new("mine", "/mine", "Go");
        for (number, kind) in kinds.into_iter().enumerate() {
            let mut field = FieldView::new(kind, format!("field{number}"), "Field");
            field.choices = vec![ChoiceView {
                value: "one".to_owned(),
                label: "One".to_owned(),
                checked: wrong,
            }];
            if wrong {
                field.errors = vec!["Wrong.".to_owned()];
                field.hint = Some("A hint.".to_owned());
                field.autocomplete = Some("one-time-code".to_owned());
                (field.minlength, field.maxlength) = (Some(1), Some(9));
                let link = LinkView { href: "/help".to_owned(), text: "Help".to_owned() };
                field.hint_link = Some(link);
            }
            form.fields.push(field);
        }
        if wrong {
            form.errors.push("Wrong as a whole.".to_owned());
        }
        for name in [None, Some("other".to_owned())] {
            let (text, formaction) = ("Other".to_owned(), "/other".to_owned());
            form.buttons.push(ButtonView { text, name, formaction });
        }
        page.forms.push(form);
    }
    page
}
