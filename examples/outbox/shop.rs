use std::future::Future;

use delta::core::EventTables;
use delta::{PgStore, SqliteStore};

use crate::order::Order;

/// The shop's own tables and statements, on connections of the database's own driver.
pub(crate) trait Shop: EventTables {
    /// Makes the tables unless they are there.
    fn create(conn: &mut Self::Conn) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Inserts an order, and returns its id.
    fn place(conn: &mut Self::Conn, order: &Order) -> impl Future<Output = sqlx::Result<i64>> + Send;

    fn cancel(conn: &mut Self::Conn, order: i64) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Adds to what a customer owes.
    fn book(conn: &mut Self::Conn, customer: &str, cents: i64) -> impl Future<Output = sqlx::Result<()>> + Send;

    fn totals(conn: &mut Self::Conn) -> impl Future<Output = sqlx::Result<Totals>> + Send;
}

/// What the orders and the ledger add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Totals {
    /// Orders, and those of them that were cancelled.
    pub(crate) orders: i64,
    pub(crate) cancelled: i64,
    /// What the orders that stand are worth.
    pub(crate) ordered: i64,
    /// How often something was booked, and what all of it is worth.
    pub(crate) entries: i64,
    pub(crate) booked: i64,
}

impl Totals {
    /// Whether each event was booked, and once: a second time would show in both sums.
    pub(crate) fn agree(&self) -> bool {
        self.entries == self.orders + self.cancelled && self.booked == self.ordered
    }
}

const PLACE: &str = "INSERT INTO shop_orders (customer, cents) VALUES ($1, $2) RETURNING id";
const CANCEL: &str = "UPDATE shop_orders SET cancelled = 1 WHERE id = $1";
const BOOK: &str = "INSERT INTO shop_ledger (customer, cents, entries) VALUES ($1, $2, 1) \
     ON CONFLICT (customer) DO UPDATE SET cents = shop_ledger.cents + excluded.cents, entries = shop_ledger.entries + 1";
const TOTALS: &str = "SELECT o.*, l.* FROM \
     (SELECT count(*) AS orders, CAST(coalesce(sum(cancelled), 0) AS bigint) AS cancelled, \
             CAST(coalesce(sum(cents * (1 - cancelled)), 0) AS bigint) AS ordered FROM shop_orders) o, \
     (SELECT CAST(coalesce(sum(entries), 0) AS bigint) AS entries, \
             CAST(coalesce(sum(cents), 0) AS bigint) AS booked FROM shop_ledger) l";
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS shop_ledger \
     (customer text PRIMARY KEY, cents bigint NOT NULL, entries bigint NOT NULL)";

macro_rules! shop {
    ($store:ty, $id:literal) => {
        impl Shop for $store {
            async fn create(conn: &mut Self::Conn) -> sqlx::Result<()> {
                const ORDERS: &str = concat!(
                    "CREATE TABLE IF NOT EXISTS shop_orders (id ",
                    $id,
                    ", customer text NOT NULL, cents bigint NOT NULL, cancelled bigint NOT NULL DEFAULT 0)"
                );
                sqlx::query(ORDERS).execute(&mut *conn).await?;
                sqlx::query(LEDGER).execute(conn).await?;
                Ok(())
            }

            async fn place(conn: &mut Self::Conn, order: &Order) -> sqlx::Result<i64> {
                sqlx::query_scalar(PLACE).bind(&order.customer).bind(order.cents).fetch_one(conn).await
            }

            async fn cancel(conn: &mut Self::Conn, order: i64) -> sqlx::Result<()> {
                sqlx::query(CANCEL).bind(order).execute(conn).await?;
                Ok(())
            }

            async fn book(conn: &mut Self::Conn, customer: &str, cents: i64) -> sqlx::Result<()> {
                sqlx::query(BOOK).bind(customer).bind(cents).execute(conn).await?;
                Ok(())
            }

            async fn totals(conn: &mut Self::Conn) -> sqlx::Result<Totals> {
                sqlx::query_as(TOTALS).fetch_one(conn).await
            }
        }
    };
}

shop!(SqliteStore, "integer PRIMARY KEY AUTOINCREMENT");
shop!(PgStore, "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
