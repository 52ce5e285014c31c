//! Variables that no GitOps file is given: they hold what restock, the database, the store and the
//! CI job itself are trusted with, and whoever writes a file must not get at it.

/// What the names of such variables begin with.
const PREFIXES: [&str; 16] = [
    "RESTOCK_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "GCP_",
    "PG",
    "MYSQL_",
    "MARIADB_",
    "POSTGRES_",
    "DATABASE_",
    "FLEET_MYSQL_",
    "FLEET_S3_",
    "FLEET_REDIS_",
    "ACTIONS_",
    "CI_JOB_TOKEN",
    "CI_JOB_JWT",
];

/// Whole names.
const NAMES: [&str; 12] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_TOKEN",
    "CI_DEPLOY_PASSWORD",
    "CI_REGISTRY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "FLEET_API_TOKEN",
    "FLEET_LICENSE_KEY",
    "FLEET_SERVER_PRIVATE_KEY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// Whether a variable of this name is kept from GitOps files, whatever it holds and whether it is
/// set or not.
pub(super) fn is_refused(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    PREFIXES.iter().any(|prefix| upper.starts_with(prefix)) || NAMES.contains(&upper.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_refused_and_those_of_teams_are_not() {
        for name in [
            "RESTOCK_CATALOG__URL",
            "AWS_SECRET_ACCESS_KEY",
            "aws_session_token",
            "PGPASSWORD",
            "MYSQL_PWD",
            "FLEET_MYSQL_PASSWORD",
            "FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "CI_JOB_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "https_proxy",
        ] {
            assert!(is_refused(name), "{name}");
        }
        for name in ["TEAM", "FLEET_WORKSTATIONS_ENROLL_SECRET", "GITHUB_SHA", "VERSION", "P"] {
            assert!(!is_refused(name), "{name}");
        }
    }
}
