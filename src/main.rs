//! The `restock` binary.

fn main() {}
