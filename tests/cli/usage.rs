//! Usage errors, help, configuration, completions and manual pages.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use tempfile::TempDir;

use crate::binary::{Ran, command, run};

const PLAIN: &str = "[catalog]\nurl = \"sqlite://catalog.db\"\n[store]\nurl = \"objects\"\n";

fn restock(line: &str) -> Ran {
    run(&mut command(tempfile::tempdir().unwrap().path(), line))
}

fn configured(text: &str, line: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("restock.toml"), text).unwrap();
    run(&mut command(folder.path(), line))
}

#[test]
fn a_schedule_by_which_nothing_is_ever_due_is_refused() {
    for table in ["audit", "deep"] {
        let text = format!("{PLAIN}[{table}]\nschedule = \"0 0 0 30 2 *\"\n");
        let ran = configured(&text, "config check");
        assert_eq!(ran.code, 78, "{}", ran.stderr);
        assert!(ran.stderr.contains("it is never due"), "{}", ran.stderr);
    }
}

#[test]
fn usage_errors_exit_with_64_and_say_what_is_wrong() {
    for (line, said) in [
        ("", "Usage: restock"),
        ("adit", "unrecognized subcommand 'adit'"),
        ("config", "Usage: restock config"),
        ("config shwo", "similar subcommand exists: 'show'"),
        ("config show --orign", "'--origin'"),
        ("config show -c", "a value is required for '--config <FILE>'"),
        ("completions", "<SHELL>"),
        ("completions cmd", "invalid value 'cmd'"),
        ("man", "<DIR>"),
        ("-q config schema -v", "contradict"),
        ("config check --log-format=xml", "possible values"),
    ] {
        let ran = restock(line);
        assert_eq!(ran.code, 64, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{line}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{line}");
    }
}

#[test]
fn a_usage_error_that_quotes_a_url_keeps_its_secrets() {
    let ran = restock("config https://u:CANARY@h/p?CANARY");
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("https://h/p") && !ran.stderr.contains("CANARY"), "{}", ran.stderr);
}

#[test]
fn every_command_explains_itself_on_stdout() {
    let mut pending = vec![(String::new(), restock::cli::args::Cli::definition())];
    let mut seen = 0;
    while let Some((line, definition)) = pending.pop() {
        for flag in ["--help", "-h"] {
            let ran = restock(&format!("{line} {flag}"));
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{line} {flag}");
            assert!(ran.stdout.contains("Usage: restock"), "{line}: {}", ran.stdout);
            let about = ran.stdout.lines().next().unwrap();
            assert!(about.len() > 10 && !about.ends_with('.'), "{line}: {about}");
            let stopped =
                ran.stdout.lines().find(|line| line.ends_with('.') && !line.ends_with("..."));
            assert_eq!(stopped, None, "{line}");
        }
        seen += 1;
        let inner = definition.get_subcommands();
        pending.extend(inner.map(|sub| (format!("{line} {}", sub.get_name()), sub.clone())));
    }
    assert!(seen >= 7, "{seen}");
    let top = restock("--help").stdout;
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "64", "78", "130", "143", "101"] {
        assert!(top.contains(&format!("\n  {code}")), "exit code {code} is not in\n{top}");
    }
    let version = restock("--version");
    assert_eq!(version.stdout, format!("restock {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(version.code, 0);
}

#[test]
fn configuration_errors_exit_with_78_and_say_what_is_wrong() {
    for (text, said) in [
        (
            "[store]\nulr = \"x\"\n",
            "unknown key `store.ulr` at restock.toml:2: did you mean `url`?",
        ),
        ("[catalog]\nurl = 3\n", "`catalog.url` at restock.toml:2 must be a text in quotes"),
        ("[catalog\n", "no TOML at restock.toml:1"),
        ("", "`catalog.url` is missing"),
        (
            "[catalog]\nurl = \"sqlite:c\"\n[store]\nurl = \"s3://b//p\"\n",
            "`store.url` at restock.toml:4 has a prefix",
        ),
    ] {
        for line in ["config check", "config show", "config show --origin"] {
            let ran = configured(text, line);
            assert_eq!((ran.code, ran.stdout.as_str()), (78, ""), "{}", ran.stderr);
            assert!(ran.stderr.starts_with("restock: error: "), "{}", ran.stderr);
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
    }
    let ran = restock("config check -c nowhere.toml");
    assert_eq!(ran.code, 78);
    let said = "restock: error: cannot read configuration nowhere.toml: No such file or directory";
    assert!(ran.stderr.starts_with(said), "{}", ran.stderr);
}

#[test]
fn without_a_configuration_the_places_and_the_way_out_are_told() {
    let ran = restock("config check");
    assert_eq!(ran.code, 78);
    assert_eq!(
        ran.stderr,
        "restock: error: no configuration found: neither restock.toml nor \
         /etc/restock/restock.toml exists\nhint: `restock import PATH` or `restock demo` makes \
         one; `-c FILE` names one elsewhere; beside Fleet, `--from-fleet-env` needs none\n"
    );
}

#[test]
fn a_good_configuration_is_ok_wherever_it_is_named() {
    let ran = configured(PLAIN, "config check");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "ok\n", ""));
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a.toml"), PLAIN).unwrap();
    let named = folder.path().join("a.toml");
    for line in [
        format!("-c {} config show", named.display()),
        format!("config show --config {}", named.display()),
    ] {
        let ran = run(&mut command(elsewhere.path(), &line));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let store = format!("url = \"{}\"", folder.path().join("objects").display());
        assert!(ran.stdout.contains(&store), "{}", ran.stdout);
    }
}

#[test]
fn the_process_environment_is_taken_and_no_secret_of_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("restock.toml"), PLAIN.replace("objects", "s3://b")).unwrap();
    let ran = run(command(folder.path(), "config show --origin")
        .env("RESTOCK_STORE__NAME", "there")
        .env("RESTOCK_STORE__OPTIONS__AWS_SECRET_ACCESS_KEY", "CANARY")
        .env("RESTOCK_STORE__OPTIONS__AWS_ENDPOINT", "https://u:CANARY@h/?CANARY"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("name = \"there\"  # RESTOCK_STORE__NAME"), "{}", ran.stdout);
    assert!(ran.stdout.contains("aws_secret_access_key = \"<redacted>\""), "{}", ran.stdout);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("CANARY"), "{}", ran.stdout);
}

#[test]
fn fleets_variables_are_taken_where_they_are_asked_for_before_or_behind_the_command() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["--from-fleet-env config show --origin", "config show --origin --from-fleet-env"] {
        let ran = run(command(folder.path(), line)
            .env("FLEET_MYSQL_ADDRESS", "db:3306")
            .env("FLEET_MYSQL_PASSWORD", "CANARY")
            .env("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "fleet-software"))
        .exits(0)
        .prints("url = \"s3://fleet-software\"  # FLEET_S3_SOFTWARE_INSTALLERS_BUCKET")
        .prints("url = \"mysql://db:3306/fleet\"  # FLEET_MYSQL_ADDRESS, FLEET_MYSQL_PASSWORD");
        assert!(!ran.stdout.contains("CANARY"), "{}", ran.stdout);
    }
    let ran = run(command(folder.path(), "--from-fleet-env config check")
        .env("FLEET_MYSQL_PASSWORD", "CANARY")
        .env("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "b")
        .env("FLEET_S3_SOFTWARE_INSTALLERS_STS_ASSUME_ROLE_ARN", "CANARY"))
    .exits(78)
    .says("FLEET_S3_SOFTWARE_INSTALLERS_STS_ASSUME_ROLE_ARN asks for a role to be assumed");
    assert!(!ran.stderr.contains("CANARY"), "{}", ran.stderr);
}

#[test]
fn the_schema_is_one_json_document() {
    let ran = restock("config schema");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document, restock::config::schema());
    assert_eq!(ran.code, 0);
}

#[test]
fn each_shell_gets_its_completions() {
    for (shell, sign) in [
        ("bash", "complete -F _restock"),
        ("zsh", "#compdef restock"),
        ("fish", "complete -c restock"),
    ] {
        let ran = restock(&format!("completions {shell}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains(sign) && ran.stdout.contains("schema"), "{shell}");
    }
}

#[test]
fn each_command_gets_its_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&mut command(folder.path(), "man made/here"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut pages: Vec<_> = ran.stdout.lines().collect();
    pages.sort_unstable();
    for page in ["restock.1", "restock-config.1", "restock-config-show.1", "restock-man.1"] {
        assert!(pages.contains(&format!("made/here/{page}").as_str()), "{page}: {pages:?}");
        let text = fs::read_to_string(folder.path().join("made/here").join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path().join("made/here")).unwrap().count(), pages.len());

    fs::write(folder.path().join("file"), "").unwrap();
    let ran = run(&mut command(folder.path(), "man file"));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.starts_with("restock: error: cannot make the folder file: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    for line in ["completions bash", "config schema", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child =
            command(folder.path(), line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((stderr.as_str(), status.code()), ("", Some(1)), "{line}");
    }
}

#[test]
fn a_full_disk_is_no_closed_pipe() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), "config schema").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("restock: error: No space left"), "{stderr}");
}
