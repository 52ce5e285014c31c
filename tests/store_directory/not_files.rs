//! What lies where an object would be and is no file: a pipe, a socket, a folder, a dangling link.

use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;

#[tokio::test]
async fn a_pipe_is_no_object_and_nobody_waits_for_it() {
    let world = World::new().await;
    let made = Command::new("mkfifo").arg(world.path("p/pipe")).status().unwrap();
    assert!(made.success());
    assert_eq!(world.listed().await.unwrap().unaddressable, ["p/pipe"]);
    assert_eq!(world.fault_of_probe("p/pipe").await, StoreFault::NotAFile);
    assert!(world.store.read("p/pipe").await.is_err());
}

#[tokio::test]
async fn what_is_no_file_is_unknown_where_an_object_would_be_and_says_what_it_is() {
    let world = World::new().await;
    fs::create_dir(world.path("p/folder")).unwrap();
    let _socket = UnixListener::bind(world.path("p/socket")).unwrap();
    world.put("p/file", b"x");
    for (key, says) in [
        ("p/folder", "(a folder stands in its place: move it away)"),
        ("p/socket", "(a pipe, a socket or a device stands in its place: move it away)"),
        ("p/file/below", "(a file stands where a folder would be: move it away)"),
    ] {
        let Probe::Unknown(error) = world.store.probe(key).await else { panic!("{key}") };
        let told = error.to_string();
        assert!(told.contains(says) && told.contains("not_a_file"), "{key}: {told}");
        assert_eq!(world.store.read(key).await.err().unwrap().fault, StoreFault::NotAFile);
    }
}

#[tokio::test]
async fn a_folder_behind_a_link_that_leads_nowhere_is_not_an_empty_one() {
    let world = World::new().await;
    fs::remove_dir(world.path("p")).unwrap();
    symlink("elsewhere", world.path("p")).unwrap();
    assert_eq!(world.listed().await.unwrap_err().fault, StoreFault::NotAFile);
    assert_eq!(world.fault_of_probe("p/file").await, StoreFault::NotAFile);
    fs::remove_file(world.path("p")).unwrap();
    assert_eq!(world.listed().await.unwrap().objects.len(), 0);
    assert!(matches!(world.store.probe("p/file").await, Probe::Absent));
}
