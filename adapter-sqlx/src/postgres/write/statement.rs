//! Writes to several tables as one statement, which takes one round trip, one parse and one plan.

use std::fmt::Write as _;

use sqlx::{
    Arguments as _, AssertSqlSafe, Encode, PgConnection, Postgres, Type, error::BoxDynError, postgres::PgArguments,
};

use crate::rows::Result;

/// Writes that are carried out together. All of them see the tables as they were before, so no two may touch the same row;
/// foreign keys are checked after all of them.
#[derive(Default)]
pub(super) struct Statement {
    parts: String,
    count: usize,
    arguments: PgArguments,
    refused: Option<BoxDynError>,
}

impl Statement {
    /// Adds a write. Its parameters count from `$1` and have to be bound next.
    pub(super) fn part(&mut self, sql: &'static str) -> &mut Self {
        let before = self.arguments.len();
        let with = if self.count == 0 { "WITH" } else { "," };
        let _ = write!(self.parts, "{with} part{} AS (", self.count);
        renumber(sql, before, &mut self.parts);
        self.parts.push(')');
        self.count += 1;
        self
    }

    /// The next parameter of the part that was added last.
    pub(super) fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.refused.get_or_insert(error);
        }
        self
    }

    /// Carries everything out, if there is anything.
    pub(super) async fn execute(self, connection: &mut PgConnection) -> Result<()> {
        if let Some(error) = self.refused {
            return Err(sqlx::Error::Encode(error));
        }
        if self.count == 0 {
            return Ok(());
        }
        // Put together from constants and numbers only.
        let sql = AssertSqlSafe(self.parts + " SELECT");
        sqlx::query_with(sql, self.arguments).execute(connection).await.map(|_| ())
    }
}

/// Appends `sql` with its parameters `$1`, `$2`, … counted from `before` on.
fn renumber(sql: &str, before: usize, into: &mut String) {
    let mut pieces = sql.split('$');
    into.extend(pieces.next());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default();
        let _ = write!(into, "${}{rest}", before + number);
    }
}

#[cfg(test)]
mod tests {
    use super::renumber;

    #[test]
    fn parameters_are_counted_on() {
        let mut sql = String::from("(");
        renumber("SELECT $1, f($2::uuid[]), $10", 7, &mut sql);
        assert_eq!(sql, "(SELECT $8, f($9::uuid[]), $17");
        renumber(" and none", 3, &mut sql);
        assert_eq!(sql, "(SELECT $8, f($9::uuid[]), $17 and none");
    }
}
