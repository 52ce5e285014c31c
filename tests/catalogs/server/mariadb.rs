//! MariaDB alone.

use super::fixture::{MariaDb, ServerFixture};

suite!(ServerFixture<MariaDb>);
