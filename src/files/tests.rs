use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::mpsc;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::*;

fn put(path: &Path, text: &str) -> io::Result<()> {
    write(path, |out| out.write_all(text.as_bytes()))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// A pipe in a folder of its own, and what is read from it until its writer is done.
fn pipe(path: &Path) -> mpsc::Receiver<String> {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    let (found, says) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut text = String::new();
        File::open(path).unwrap().read_to_string(&mut text).unwrap();
        found.send(text)
    });
    says
}

#[test]
fn a_device_is_written_to_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (null, link) = (folder.path().join("null"), folder.path().join("link"));
    // The same as the machine's own, which no test may put at risk.
    let made = mknodat(CWD, &null, FileType::CharacterDevice, Mode::from(0o666), makedev(1, 3));
    if made.is_err() || File::options().write(true).open(&null).is_err() {
        eprintln!("not tested: no device can be made here");
        return;
    }
    symlink(&null, &link).unwrap();
    for path in [&null, &link] {
        check(path).unwrap();
        assert_eq!(place(path), None);
        put(path, "text").unwrap();
    }
    assert!(fs::symlink_metadata(&null).unwrap().file_type().is_char_device());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was made beside it");
}

#[test]
fn a_pipe_is_written_to_and_stays_one_also_behind_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (direct, behind) = (folder.path().join("direct"), folder.path().join("behind"));
    let link = folder.path().join("link");
    symlink("behind", &link).unwrap();
    for (pipe_at, path) in [(&direct, &direct), (&behind, &link)] {
        let says = pipe(pipe_at);
        put(path, "text").unwrap();
        assert_eq!(says.recv().unwrap(), "text");
        assert!(fs::symlink_metadata(pipe_at).unwrap().file_type().is_fifo());
    }
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_is_replaced_or_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("inner")).unwrap();
    fs::write(at("inner/file"), "old").unwrap();
    symlink("inner/file", at("one")).unwrap();
    symlink("one", at("two")).unwrap();
    symlink("inner/new", at("dangling")).unwrap();
    for (link, file) in [("two", "inner/file"), ("dangling", "inner/new")] {
        put(&at(link), link).unwrap();
        assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
        assert_eq!(read(&at(file)), link);
        assert_eq!(place(&at(link)), Some(at(file).canonicalize().unwrap()));
    }
    symlink("loop", at("loop")).unwrap();
    symlink("nowhere/file", at("lost")).unwrap();
    for bad in ["loop", "lost", "inner", "nowhere/file"] {
        assert!(check(&at(bad)).is_err() && put(&at(bad), "x").is_err(), "{bad}");
    }
    assert_eq!(fs::read_dir(at("inner")).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_socket_is_refused_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert!(check(&path).is_err() && put(&path, "x").is_err());
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
}

#[test]
fn a_file_keeps_its_mode_and_its_content_where_writing_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (path, fresh) = (folder.path().join("file"), folder.path().join("fresh"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let failed = write(&path, |out| {
        out.write_all(b"half")?;
        Err(ErrorKind::Other.into())
    });
    assert!(failed.is_err());
    assert_eq!(read(&path), "old");
    put(&path, "new").unwrap();
    assert_eq!((read(&path).as_str(), mode(&path)), ("new", 0o600));
    let by_umask = folder.path().join("by-umask");
    fs::write(&by_umask, "").unwrap();
    put(&fresh, "new").unwrap();
    assert_eq!(mode(&fresh), mode(&by_umask));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn what_restock_keeps_is_a_file_and_no_link_and_nothing_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("precious"), "bytes").unwrap();
    symlink("precious", at("link")).unwrap();
    symlink("absent", at("dangling")).unwrap();
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
    for bad in ["link", "dangling", "pipe", "."] {
        for mode in [None, Some(0o600)] {
            assert!(open_own(&at(bad), mode).is_err(), "{bad}");
        }
    }
    assert!(!at("absent").exists());
    let absent = open_own(&at("own"), None).unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    drop(open_own(&at("own"), Some(0o600)).unwrap());
    assert_eq!(mode(&at("own")), 0o600);
    drop(open_own(&at("precious"), Some(0o600)).unwrap());
    assert_eq!(read(&at("precious")), "bytes", "what is there is not cut off");
}
