//! What holds for a whole site, proven on one in memory.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod answers;
mod asking_links;
mod attacks;
mod branches;
mod code_rules;
mod csrf;
mod disclosure;
mod disclosure_steps;
mod factors;
mod faults;
mod flask_keys;
mod forms;
mod fuzz;
mod hooks;
mod limits;
mod links;
mod mails;
mod malformed;
mod mistakes;
mod nasty;
mod own_pages;
mod people;
mod policies;
mod port_calls;
mod recovery_codes;
mod redirects;
mod refusals;
mod scene;
mod second_factors;
mod secrets;
mod sessions;
mod tokens;
mod ways_in;
