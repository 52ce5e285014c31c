//! How Fleet came to panic: the row is there, the object is gone, and GitOps names it by its digest.

use std::fs;

use crate::fleet::{Age, FleetWorld};
use crate::s3::Server;
use rstest::rstest;

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn what_gitops_would_fail_on_is_told_at_its_line_and_healed(
    #[case] age: Age,
    #[case] server: Server,
) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    let package = world
        .stored()
        .find(|package| {
            package.key().starts_with("software-installers/") && world.has_source(package)
        })
        .unwrap();
    world.lose(&[package]).await;
    let gitops = world.folder.path().join("gitops");
    fs::create_dir_all(gitops.join("lib")).unwrap();
    fs::create_dir_all(gitops.join("teams")).unwrap();
    fs::write(
        gitops.join("teams/workstations.yml"),
        "name: Workstations\nsoftware:\n  packages:\n    - path: ../lib/app.yml\n",
    )
    .unwrap();
    let name = |lines: &str| fs::write(gitops.join("lib/app.yml"), lines).unwrap();
    let preflight = |more: &[&str]| world.restock(&[&["preflight", "gitops"], more].concat());

    name(&format!("# the app\nhash_sha256: {}\n", package.digest));
    let alone = preflight(&[]);
    assert_eq!(alone.code, Some(2), "{alone:#?}");
    let told = format!("package not found with hash {}", package.digest);
    assert!(alone.stdout.contains("gitops/lib/app.yml:2 "), "{alone:#?}");
    assert!(alone.stdout.contains(&told), "{alone:#?}");

    name(&format!("url: https://h.example/app.pkg\nhash_sha256: {}\n", package.digest));
    let with_url = preflight(&[]);
    assert_eq!(with_url.code, Some(0), "{with_url:#?}");
    assert!(with_url.stdout.contains("will_download"), "{with_url:#?}");

    name(&format!("hash_sha256: {}\n", package.digest));
    let healed = preflight(&["--heal"]);
    assert_eq!(healed.code, Some(0), "{healed:#?}");
    assert!(world.bucket.get(&package.key()).await.unwrap() == package.bytes);
    world.pass(0, &["audit"]);
}
