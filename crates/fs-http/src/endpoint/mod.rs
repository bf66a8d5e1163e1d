//! The endpoints: each reads a form or JSON, runs a flow, and answers.

mod admission;
mod answer;
mod asked_code;
mod auth_tokens;
mod challenge;
mod change_password;
mod confirm;
mod follow_link;
mod forgot_password;
mod form_page;
mod passcode;
mod press;
mod recovery_codes;
mod register;
mod reset_password;
mod second_factor_pages;
mod send_confirmation;
mod serve;
mod sign_in;
mod sign_in_link;
mod sign_out;
mod token_answer;
mod two_factor_rescue;
mod two_factor_setup;
mod two_factor_validate;
mod undo_change;
mod unified_link;
mod unified_setup;
mod unified_sign_in;
mod unified_verify;
mod use_recovery_code;
mod verify;

pub(crate) use serve::serve;
