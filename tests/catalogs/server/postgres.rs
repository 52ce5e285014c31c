//! PostgreSQL alone.

use super::fixture::{Postgres, ServerFixture};

suite!(ServerFixture<Postgres>);
