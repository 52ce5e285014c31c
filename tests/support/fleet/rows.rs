//! Rows of Fleet's tables, and how they are written into those of an age.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Age;

/// One row that names an object.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    Installer(Installer),
    /// An app for iOS or iPadOS.
    InHouse {
        team: u32,
        filename: String,
        platform: &'static str,
        url: String,
    },
    Bootstrap {
        team: u32,
        name: String,
        url: Option<String>,
        in_database: Option<Vec<u8>>,
    },
    Icon {
        team: u32,
        title: String,
    },
}

/// A row of `software_installers`.
#[derive(Debug, Clone)]
pub(crate) struct Installer {
    /// 0 for those in no team.
    pub(crate) team: u32,
    pub(crate) title: String,
    pub(crate) filename: String,
    pub(crate) version: String,
    pub(crate) platform: String,
    pub(crate) url: String,
    /// What the database keeps as the install script.
    pub(crate) script: String,
    /// The slug of a maintained app.
    pub(crate) app: Option<String>,
    pub(crate) is_active: bool,
}

/// How old rows are: no grace period covers them.
const OLD: &str = "NOW() - INTERVAL 30 DAY";

/// Statements that write rows, each with its storage id.
pub(crate) fn statements(age: Age, rows: &[(&str, &Row)]) -> String {
    let mut sql = String::from("START TRANSACTION;\n");
    let ids = Ids::of(age, rows, &mut sql);
    settings(rows, &mut sql);
    for (storage_id, row) in rows {
        match row {
            Row::Installer(row) => installer(age, storage_id, row, &ids, &mut sql),
            Row::InHouse { team, filename, platform, url } => {
                let (filename, url) = (quoted(filename), quoted(url));
                let team_id = team_id(*team);
                writeln!(
                    sql,
                    "INSERT INTO in_house_apps (team_id, global_or_team_id, filename, version, \
                     storage_id, platform, bundle_identifier, url, created_at, updated_at) VALUES \
                     ({team_id}, {team}, {filename}, '1.0', '{storage_id}', '{platform}', \
                     'com.example.app', {url}, {OLD}, {OLD});"
                )
                .unwrap();
            }
            Row::Bootstrap { team, name, url: _, in_database } => {
                let bytes = in_database.as_ref().map_or("NULL".to_owned(), |bytes| hex(bytes));
                let name = quoted(name);
                writeln!(
                    sql,
                    "INSERT INTO mdm_apple_bootstrap_packages (team_id, name, sha256, bytes, \
                     token, updated_at) VALUES ({team}, {name}, X'{storage_id}', {bytes}, \
                     'token-{team}', {OLD});"
                )
                .unwrap();
            }
            Row::Icon { team, title } => {
                let title = ids.titles[title.as_str()];
                writeln!(
                    sql,
                    "INSERT INTO software_title_icons (team_id, software_title_id, storage_id, \
                     filename, created_at) VALUES ({team}, {title}, '{storage_id}', 'icon.png', \
                     {OLD});"
                )
                .unwrap();
            }
        }
    }
    sql.push_str("COMMIT;\n");
    sql
}

fn installer(age: Age, storage_id: &str, row: &Installer, ids: &Ids<'_>, sql: &mut String) {
    let Installer { team, title, filename, version, platform, url, script, app, is_active } = row;
    let app_id = app.as_ref().map_or("NULL".to_owned(), |app| ids.apps[app.as_str()].to_string());
    let (column, active) = match age {
        Age::Of460 => ("fleet_library_app_id", String::new()),
        Age::Of490 | Age::Next => ("fleet_maintained_app_id", ", is_active".to_owned()),
    };
    let is_active = if active.is_empty() { "" } else { &format!(", {is_active}") };
    let (title, script) = (ids.titles[title.as_str()], ids.scripts[script.as_str()]);
    let extension = filename.rsplit_once('.').map_or("", |(_, extension)| extension);
    let team_id = team_id(*team);
    let [filename, version, platform, url, extension] =
        [filename, version, platform, url, extension].map(quoted);
    writeln!(
        sql,
        "INSERT INTO software_installers (team_id, global_or_team_id, title_id, filename, version, \
         platform, install_script_content_id, uninstall_script_content_id, storage_id, url, \
         package_ids, extension, uploaded_at, updated_at, {column}{active}) VALUES ({team_id}, \
         {team}, {title}, {filename}, {version}, {platform}, {script}, {script}, '{storage_id}', \
         {url}, '', {extension}, {OLD}, {OLD}, {app_id}{is_active});"
    )
    .unwrap();
}

/// What rows hang on, by the numbers that it got.
struct Ids<'a> {
    titles: BTreeMap<&'a str, usize>,
    scripts: BTreeMap<&'a str, usize>,
    apps: BTreeMap<&'a str, usize>,
}

impl<'a> Ids<'a> {
    fn of(age: Age, rows: &[(&str, &'a Row)], sql: &mut String) -> Self {
        let installers = || {
            rows.iter().filter_map(|(_, row)| match row {
                Row::Installer(installer) => Some(installer),
                Row::InHouse { .. } | Row::Bootstrap { .. } | Row::Icon { .. } => None,
            })
        };
        let of_icons = rows.iter().filter_map(|(_, row)| match row {
            Row::Icon { title, .. } => Some(title.as_str()),
            Row::Installer(_) | Row::InHouse { .. } | Row::Bootstrap { .. } => None,
        });
        let titles = numbered(installers().map(|row| row.title.as_str()).chain(of_icons));
        let scripts = numbered(installers().map(|row| row.script.as_str()));
        let apps = numbered(installers().filter_map(|row| row.app.as_deref()));
        for (title, id) in &titles {
            let title = quoted(title);
            writeln!(
                sql,
                "INSERT INTO software_titles (id, name, source) VALUES ({id}, {title}, 'apps');"
            )
            .unwrap();
        }
        for (script, id) in &scripts {
            let script = quoted(script);
            writeln!(
                sql,
                "INSERT INTO script_contents (id, md5_checksum, contents) VALUES ({id}, \
                 UNHEX(MD5({script})), {script});"
            )
            .unwrap();
        }
        for (slug, id) in &apps {
            let slug = quoted(slug);
            let (table, columns, values) = match age {
                Age::Of460 => (
                    "fleet_library_apps",
                    "token, version, installer_url, sha256",
                    format!("{slug}, '', '', ''"),
                ),
                Age::Of490 | Age::Next => ("fleet_maintained_apps", "slug", slug.clone()),
            };
            writeln!(
                sql,
                "INSERT INTO {table} (id, name, platform, {columns}) VALUES ({id}, {slug}, \
                 'darwin', {values});"
            )
            .unwrap();
        }
        Self { titles, scripts, apps }
    }
}

/// The settings of all teams and of the whole, with the URLs of their bootstrap packages.
fn settings(rows: &[(&str, &Row)], sql: &mut String) {
    for (_, row) in rows {
        let Row::Bootstrap { team, url, .. } = row else { continue };
        // A setting that was never made is JSON's null.
        let setup =
            serde_json::json!({"bootstrap_package": url, "enable_end_user_authentication": false});
        let document = serde_json::json!({"mdm": {"macos_setup": setup}, "features": {}});
        let json = quoted(&document.to_string());
        if *team == 0 {
            writeln!(sql, "INSERT INTO app_config_json (id, json_value) VALUES (1, {json});")
                .unwrap();
        } else {
            writeln!(sql, "UPDATE teams SET config = {json} WHERE id = {team};").unwrap();
        }
    }
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut distinct: Vec<_> = names.collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.into_iter().enumerate().map(|(at, name)| (name, at + 1)).collect()
}

fn team_id(team: u32) -> String {
    if team == 0 { "NULL".to_owned() } else { team.to_string() }
}

fn quoted(text: &(impl AsRef<str> + ?Sized)) -> String {
    format!("'{}'", text.as_ref().replace('\\', "\\\\").replace('\'', "''"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("X'".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "'"
}
