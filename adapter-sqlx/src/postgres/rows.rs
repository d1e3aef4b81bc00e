//! Cells of PostgreSQL: ids are `uuid`, times `timestamptz`, JSON `jsonb`, integers of any width.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use splitter_core::Timestamp;
use sqlx::{Row, TypeInfo, ValueRef, postgres::PgRow};
use uuid::Uuid;

use crate::rows::{Cells, Result, unreadable};

impl Cells for PgRow {
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
        match self.try_get_raw(n)?.type_info().name() {
            "INT2" => Ok(self.try_get::<Option<i16>, _>(n)?.map(i64::from)),
            "INT4" => Ok(self.try_get::<Option<i32>, _>(n)?.map(i64::from)),
            _ => self.try_get(n),
        }
    }

    fn flag(&self, n: usize) -> Result<bool> {
        self.try_get(n)
    }

    fn time(&self, n: usize) -> Result<Option<Timestamp>> {
        Ok(self.try_get::<Option<DateTime<Utc>>, _>(n)?.map(Timestamp::from))
    }

    fn json<T: DeserializeOwned>(&self, n: usize) -> Result<Option<T>> {
        let value = self.try_get_raw(n)?;
        if value.is_null() {
            return Ok(None);
        }
        // One byte of version, 1, then text: https://www.postgresql.org/docs/current/datatype-json.html is sent so.
        let bytes = value.as_bytes().map_err(unreadable)?;
        serde_json::from_slice(bytes.strip_prefix(&[1]).unwrap_or(bytes)).map(Some).map_err(unreadable)
    }
}
