use sqlx::postgres::PgConnection;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};

use super::super::container::Image;
use super::super::{DatabaseError, ServerKind};
use super::admin::{connect, options};

/// By this name the container knows the connection whose end is its own.
const OWNER: &str = "delta-testkit-owner";

/// Runs the server until the owner's connection has been missing for a minute.
const RUN: &str = include_str!("container.sh");

/// Docker's official image.
#[derive(Debug)]
pub(crate) struct PostgresImage;

impl Image for PostgresImage {
    const KIND: ServerKind = ServerKind::Postgres;
    const NAME: &'static str = "postgres";
    const TAG: &'static str = "17-alpine";
    const PORT: u16 = 5432;
    type Connection = PgConnection;

    fn request(image: GenericImage) -> ContainerRequest<GenericImage> {
        image
            .with_env_var("POSTGRES_PASSWORD", "delta")
            .with_env_var("POSTGRES_HOST_AUTH_METHOD", "password")
            .with_cmd(["sh", "-c", RUN, "delta-testkit", OWNER])
    }

    fn url(host: &str, port: u16) -> String {
        format!("postgres://postgres:delta@{host}:{port}/postgres")
    }

    async fn own(url: &str) -> Result<PgConnection, DatabaseError> {
        connect(&options(url)?.application_name(OWNER), url).await
    }
}
