//! The tables of PostgreSQL: which keys they have.

mod common;

mod postgres {
    use super::common::database::Database;

    /// Looked up before anybody knows whose request it is.
    const OF_ALL: [&str; 4] = ["admins", "api_keys", "rate_windows", "_sqlx_migrations"];

    #[tokio::test]
    async fn every_key_names_the_admin() {
        let database = Database::new().await;
        let _store = database.open().await;
        let mut connection = database.connect().await;
        let keys: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT c.conrelid::regclass::text, c.conname::text, \
             EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attname = 'admin_id' \
                     AND a.attnum = ANY (c.conkey)) \
             FROM pg_constraint c WHERE c.contype IN ('p', 'u', 'f') AND c.connamespace = 'public'::regnamespace",
        )
        .fetch_all(&mut connection)
        .await
        .expect("constraints");
        assert!(keys.len() > 30, "{}", keys.len());
        for (table, key, names_admin) in keys {
            assert!(names_admin || OF_ALL.contains(&table.as_str()), "{table}: {key}");
        }
        let indexes: Vec<String> = sqlx::query_scalar(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid \
             WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relname::text = ANY ($1) \
             AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'admin_id' \
                             AND a.attnum = ANY (i.indkey))",
        )
        .bind(OF_ALL.map(str::to_owned).to_vec())
        .fetch_all(&mut connection)
        .await
        .expect("indexes");
        assert_eq!(indexes, Vec::<String>::new());
    }
}
