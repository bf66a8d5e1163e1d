//! Tests of the SQL stores on real databases.

#[cfg(test)]
mod adopted;
#[cfg(test)]
mod at_rest;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod evictions;
#[cfg(test)]
mod existing;
#[cfg(test)]
mod faults_postgres;
#[cfg(test)]
mod own_server;
#[cfg(test)]
mod pgbouncer_postgres;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod types_postgres;
