//! The SQL stores on real databases.

#[cfg(test)]
mod at_rest;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod existing;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod trouble;
