use sqlx::mysql::MySqlConnection;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};

use super::super::container::Image;
use super::super::url::with_database;
use super::super::{DatabaseError, ServerKind};
use super::admin::{connect, options};

/// The database that only the owner's connection uses: the container ends with that connection.
const OWNER: &str = "delta_testkit_owner";

/// Runs the server until the owner's connection has been missing for a minute.
const RUN: &str = include_str!("container.sh");

/// Docker's official image.
#[derive(Debug)]
pub(crate) struct MariaDbImage;

impl Image for MariaDbImage {
    const KIND: ServerKind = ServerKind::MariaDb;
    const NAME: &'static str = "mariadb";
    const TAG: &'static str = "11.4";
    const PORT: u16 = 3306;
    type Connection = MySqlConnection;

    fn request(image: GenericImage) -> ContainerRequest<GenericImage> {
        image.with_env_var("MARIADB_ROOT_PASSWORD", "delta").with_env_var("MARIADB_DATABASE", OWNER).with_cmd([
            "sh",
            "-c",
            RUN,
            "delta-testkit",
            OWNER,
        ])
    }

    fn url(host: &str, port: u16) -> String {
        format!("mysql://root:delta@{host}:{port}/mysql")
    }

    async fn own(url: &str) -> Result<MySqlConnection, DatabaseError> {
        let mut owner = connect(&options(&with_database(url, OWNER))?, url).await?;
        // It does nothing for as long as the tests run.
        let kept = sqlx::query("SET SESSION wait_timeout = 31536000").execute(&mut owner).await;
        kept.map_err(|source| DatabaseError::Statement {
            doing: "keep the connection that keeps the container".to_owned(),
            source: std::sync::Arc::new(source),
        })?;
        Ok(owner)
    }
}
