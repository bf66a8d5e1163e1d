//! Tests of rules for every flow, under faults and concurrency.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod admin_faults;
mod administration;
mod auth_tokens;
mod change_limits;
mod code_limits;
mod codes;
mod crowds;
mod deliveries;
mod every_fault;
mod every_order;
mod factor_races;
mod factors;
mod families;
mod faults;
mod guard_races;
mod load;
mod one_step;
mod other_trust;
mod owner_limits;
mod password_limits;
mod passwords;
mod people;
mod races;
mod readers;
mod recovery_codes;
mod refused_requests;
mod secrets;
mod send_limits;
mod sent_codes;
mod sessions;
mod stored_names;
mod undo_links;
mod uniquifiers;
mod waiting;
