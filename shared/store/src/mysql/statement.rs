//! Statements with many values, as the driver takes them.

use crate::query::{Param, Query, Row, Value};
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::query::Query as Prepared;
use sqlx::{AssertSqlSafe, Column, Executor, MySql, Row as _, TypeInfo, ValueRef};

/// A value of a statement.
#[derive(Clone, Copy)]
pub(super) enum Bind<'a> {
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// A statement and its values.
pub(super) struct Statement<'a> {
    sql: String,
    values: Vec<Bind<'a>>,
}

impl<'a> Statement<'a> {
    pub(super) fn new(sql: impl Into<String>, values: Vec<Bind<'a>>) -> Self {
        Self { sql: sql.into(), values }
    }

    pub(super) fn of(query: &'a Query) -> Self {
        let value = |param: &'a Param| match param {
            Param::Int(number) => Bind::Int(*number),
            Param::Text(text) => Bind::Text(text),
        };
        Self { sql: query.sql.clone(), values: query.params.iter().map(value).collect() }
    }

    /// The rows that it finds.
    pub(super) async fn rows(self, connection: &mut MySqlConnection) -> Result<Vec<MySqlRow>, sqlx::Error> {
        self.prepared().fetch_all(connection).await
    }

    /// How many rows it changed.
    pub(super) async fn run(self, connection: &mut MySqlConnection) -> Result<u64, sqlx::Error> {
        Ok(self.prepared().execute(connection).await?.rows_affected())
    }

    /// The rows that it finds, in the words of both engines.
    pub(super) async fn values(self, connection: &mut MySqlConnection) -> Result<Vec<Row>, sqlx::Error> {
        self.rows(connection).await?.iter().map(read).collect()
    }

    fn prepared(self) -> Prepared<'a, MySql, MySqlArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql));
        for value in self.values {
            query = match value {
                Bind::Int(number) => query.bind(number),
                Bind::Text(text) => query.bind(text),
                Bind::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }
}

/// A command without values and rows.
pub(super) async fn command(connection: &mut MySqlConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(sql)).await.map(drop)
}

pub(super) fn number(row: &MySqlRow, at: usize) -> u64 {
    row.try_get_unchecked::<i64, _>(at).unwrap_or_default().max(0) as u64
}

pub(super) fn text(row: &MySqlRow, at: usize) -> String {
    row.try_get_unchecked::<String, _>(at).unwrap_or_default()
}

pub(super) fn bytes(row: &MySqlRow, at: usize) -> Vec<u8> {
    row.try_get_unchecked::<Vec<u8>, _>(at).unwrap_or_default()
}

fn read(row: &MySqlRow) -> Result<Row, sqlx::Error> {
    let value = |at: usize| {
        if row.try_get_raw(at)?.is_null() {
            return Ok(Value::Null);
        }
        let kind = row.column(at).type_info().name();
        if kind.contains("INT") || kind == "BOOLEAN" {
            return Ok(Value::Int(row.try_get_unchecked::<i64, _>(at)?));
        }
        if kind.contains("BLOB") || kind.contains("BINARY") {
            return Ok(Value::Bytes(row.try_get_unchecked::<Vec<u8>, _>(at)?));
        }
        Ok(Value::Text(row.try_get_unchecked::<String, _>(at)?))
    };
    Ok(Row((0..row.len()).map(value).collect::<Result<_, sqlx::Error>>()?))
}

/// Values for `IN (…)`, filled up with the last to a power of two: so few statements are prepared.
pub(super) fn filled<'a>(mut values: Vec<Bind<'a>>) -> Vec<Bind<'a>> {
    if let Some(last) = values.last().copied() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// Rows cut into parts whose numbers are powers of two, the largest first: so few statements are prepared.
pub(super) fn in_powers<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let part = 1 << rows.len().checked_ilog2()?;
        let (first, rest) = rows.split_at(part);
        rows = rest;
        Some(first)
    })
}

/// `(?, ?), (?, ?), …`
pub(super) fn tuples(rows: usize, columns: usize) -> String {
    let one = format!("({})", crate::query::places(columns));
    vec![one; rows].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_rows_is_cut_into_powers_of_two() {
        let rows: Vec<u32> = (0..300).collect();
        for count in 0..300 {
            let parts: Vec<&[u32]> = in_powers(&rows[..count]).collect();
            assert!(parts.iter().all(|part| part.len().is_power_of_two()));
            assert_eq!(parts.concat(), rows[..count]);
        }
    }
}
