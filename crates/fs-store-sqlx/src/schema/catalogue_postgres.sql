WITH ours AS (
    SELECT name, to_regclass(quote_ident(name)) AS id FROM (VALUES ('role'), ('user'), ('roles_users'),
        ('fs_user_extra'), ('fs_session'), ('fs_credential'), ('fs_spent'), ('fs_counter'), ('fs_outbox'),
        ('fs_audit')) AS names(name)
)
SELECT 'column', ours.name, a.attname::text, a.attnotnull::int,
    (a.atthasdef OR a.attidentity <> '')::int, coalesce(b.typname, t.typname)::text,
    coalesce(b.typcategory, t.typcategory)::text, format_type(coalesce(b.oid, t.oid), -1)::text,
    format_type(a.atttypid, a.atttypmod)::text
    FROM ours JOIN pg_attribute a ON a.attrelid = ours.id JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
    WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', ours.name, c.relname::text, 0, 0, '', '', '', ''
    FROM ours JOIN pg_index i ON i.indrelid = ours.id JOIN pg_class c ON c.oid = i.indexrelid
UNION ALL
SELECT 'unique', ours.name, a.attname::text, 0, 0, '', '', '', ''
    FROM ours JOIN pg_index i ON i.indrelid = ours.id
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnatts = 1
UNION ALL
SELECT 'letters', '', '', (lower('Ä') = 'ä')::int, 0, '', '', '', ''
