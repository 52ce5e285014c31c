//! PostgreSQL and MariaDB: what is special about servers, and about each of them.

mod fixture;
mod mariadb;
mod postgres;
