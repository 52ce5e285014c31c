//! Files that say what is printed. `RESTOCK_BLESS=1` writes them anew; read the difference.

use std::fs;
use std::path::Path;

/// Holds a text to a file of the repository.
pub(crate) fn expect_file(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("RESTOCK_BLESS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "{} is not what is printed (RESTOCK_BLESS=1 writes it anew); printed now:\n{text}",
        path.display()
    );
}
