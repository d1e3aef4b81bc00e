//! Cells of SQLite: ids and hashes are blobs, times are integers, JSON is text.

use serde::de::DeserializeOwned;
use splitter_core::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::rows::{Cells, Result, unreadable};

impl Cells for SqliteRow {
    fn uuid(&self, n: usize) -> Result<Option<Uuid>> {
        self.try_get(n)
    }

    fn text(&self, n: usize) -> Result<Option<String>> {
        self.try_get(n)
    }

    fn bytes(&self, n: usize) -> Result<Option<Vec<u8>>> {
        self.try_get(n)
    }

    fn integer(&self, n: usize) -> Result<Option<i64>> {
        self.try_get(n)
    }

    fn flag(&self, n: usize) -> Result<bool> {
        self.try_get::<i64, _>(n).map(|value| value != 0)
    }

    fn time(&self, n: usize) -> Result<Option<Timestamp>> {
        Ok(self.try_get::<Option<i64>, _>(n)?.map(Timestamp::from_millis))
    }

    fn json<T: DeserializeOwned>(&self, n: usize) -> Result<Option<T>> {
        let text: Option<&str> = self.try_get(n)?;
        text.map(|text| serde_json::from_str(text).map_err(unreadable)).transpose()
    }
}
