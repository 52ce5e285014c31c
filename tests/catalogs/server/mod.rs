//! PostgreSQL and MariaDB: what is special about servers, and about each of them.

mod connecting;
mod fixture;
mod fleet;
mod losing;
mod mariadb;
mod pooler;
mod postgres;
mod tls;
mod types;
