//! A query as text and values, in words that both engines understand, and what comes back.

/// What is asked. The text never holds a value of somebody else's making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) params: Vec<Param>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Param {
    Int(i64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, its columns in the order of the query. What is missing or of another type reads as empty: the queries are
/// ours, and the suite runs each on both engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Query {
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), params: Vec::new() }
    }

    pub(crate) fn int(mut self, value: impl TryInto<i64>) -> Self {
        self.params.push(Param::Int(value.try_into().unwrap_or(i64::MAX)));
        self
    }

    pub(crate) fn text(mut self, value: impl Into<String>) -> Self {
        self.params.push(Param::Text(value.into()));
        self
    }

    /// Several queries of the same columns as one.
    pub(crate) fn union(queries: impl IntoIterator<Item = Self>) -> Self {
        let (texts, params): (Vec<_>, Vec<_>) = queries.into_iter().map(|query| (query.sql, query.params)).unzip();
        Self { sql: texts.join(" UNION ALL "), params: params.concat() }
    }
}

impl Row {
    pub(crate) fn number(&self, at: usize) -> u64 {
        match self.0.get(at) {
            Some(Value::Int(number)) => (*number).max(0) as u64,
            _ => 0,
        }
    }

    pub(crate) fn int(&self, at: usize) -> i64 {
        match self.0.get(at) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    pub(crate) fn text(&self, at: usize) -> &str {
        match self.0.get(at) {
            Some(Value::Text(text)) => text,
            // As MySQL has texts that are compared byte by byte.
            Some(Value::Bytes(bytes)) => std::str::from_utf8(bytes).unwrap_or_default(),
            _ => "",
        }
    }

    pub(crate) fn bytes(&self, at: usize) -> &[u8] {
        match self.0.get(at) {
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::Text(text)) => text.as_bytes(),
            _ => &[],
        }
    }
}

/// `?, ?, …`
pub(crate) fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
