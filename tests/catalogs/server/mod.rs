//! PostgreSQL and MariaDB: what is special about servers, and about each of them.

mod connecting;
mod fixture;
mod losing;
mod mariadb;
mod postgres;
mod tls;
