//! Opens the catalog that a configuration names.

use std::path::Path;
use std::sync::Arc;

use super::collections::{custom, of_preset, overridden};
use super::mysql::{self, MySqlEngine};
use super::postgres::PostgresEngine;
use super::server::{Product, Server};
use super::sql::{Content, SqlCatalog};
use super::sqlite::{self, CatalogFile};
use super::tokens::Dialect;
use super::url::{Location, file_of, judge, read_url};
use super::{Catalog, CatalogError, CatalogOptions, CollectionOptions, Preset, Remark, fleet};

/// Opens the catalog and finds its collections: every query is tried, none is run. Relative paths
/// are relative to `base`, the folder of the configuration. Nothing is ever made or written.
pub async fn open(
    options: &CatalogOptions,
    configured: &[CollectionOptions],
    base: &Path,
) -> Result<Arc<dyn Catalog>, CatalogError> {
    let url = read_url(options, base)?;
    if let Some(problem) = judge(options, &url).into_iter().next() {
        return Err(CatalogError::Configuration(problem.to_string()));
    }
    match Location::of(&url) {
        Ok(Location::Server(product)) => on_server(product, &url, options, configured, base).await,
        Ok(Location::File(_)) | Err(_) => in_file(&file_of(&url, base)?, options, configured).await,
    }
}

async fn in_file(
    path: &Path,
    options: &CatalogOptions,
    configured: &[CollectionOptions],
) -> Result<Arc<dyn Catalog>, CatalogError> {
    let file = locate(path, options).await?;
    let queried = match options.preset {
        Preset::Custom | Preset::Fleet => custom(configured, Dialect::Sqlite)?,
        Preset::Restock => of_preset(sqlite::preset_collections(&file).await?, configured)?,
    };
    Ok(Arc::new(SqlCatalog::open(file, Content { queried, ..Content::default() }).await?))
}

async fn on_server(
    product: Product,
    url: &str,
    options: &CatalogOptions,
    configured: &[CollectionOptions],
    base: &Path,
) -> Result<Arc<dyn Catalog>, CatalogError> {
    let server = Server::of(product, url, options, base)?;
    match product {
        Product::Postgres => {
            let queried = custom(configured, product.into())?;
            let (engine, remarks) = Box::pin(PostgresEngine::connect(server)).await?;
            let content = Content { queried, remarks, script: None };
            Ok(Arc::new(SqlCatalog::open(engine, content).await?))
        }
        Product::MySql => {
            let (engine, remarks) = Box::pin(MySqlEngine::connect(server)).await?;
            let content = match options.preset {
                Preset::Fleet => Box::pin(fleet(&engine, remarks, configured)).await?,
                Preset::Custom | Preset::Restock => {
                    let queried = custom(configured, product.into())?;
                    Content { queried, remarks, script: None }
                }
            };
            Ok(Arc::new(SqlCatalog::open(engine, content).await?))
        }
    }
}

/// What a Fleet has in its database, changed and added to by the configuration.
async fn fleet(
    engine: &MySqlEngine,
    mut remarks: Vec<Remark>,
    configured: &[CollectionOptions],
) -> Result<Content, CatalogError> {
    let schema = mysql::schema(engine).await?;
    let (found, of_schema) = fleet::collections(&schema)?;
    remarks.extend(of_schema);
    let queried = overridden(found, configured, Dialect::MySql)?;
    Ok(Content { queried, remarks, script: Some(fleet::SCRIPT) })
}

async fn locate(path: &Path, options: &CatalogOptions) -> Result<CatalogFile, CatalogError> {
    let shown = path.display().to_string();
    let path = match tokio::fs::canonicalize(path).await {
        Ok(path) => path,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = "check `url` in [catalog]; `restock import` makes a new one".to_owned();
            return Err(CatalogError::Absent { catalog: shown, hint });
        }
        Err(error) => {
            return Err(CatalogError::Connect {
                catalog: shown,
                hint: "check `url` in [catalog], and that this user may enter its folder"
                    .to_owned(),
                source: Box::new(error),
            });
        }
    };
    Ok(CatalogFile {
        identity: format!("sqlite://{}", path.display()),
        path,
        shown,
        connect_timeout: options.connect_timeout.0,
        statement_timeout: options.statement_timeout.0,
    })
}
