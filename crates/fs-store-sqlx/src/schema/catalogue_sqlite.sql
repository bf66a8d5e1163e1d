WITH ours(name) AS (VALUES ('role'), ('user'), ('roles_users'), ('fs_user_extra'), ('fs_session'),
    ('fs_credential'), ('fs_spent'), ('fs_counter'), ('fs_outbox'), ('fs_audit'))
SELECT 'column', ours.name, c.name, c."notnull", c.dflt_value IS NOT NULL, lower(c.type), '', '', c.type
    FROM ours JOIN pragma_table_info(ours.name) c
UNION ALL
SELECT 'index', ours.name, i.name, 0, 0, '', '', '', ''
    FROM ours JOIN pragma_index_list(ours.name) i
UNION ALL
SELECT 'unique', ours.name, max(part.name), 0, 0, '', '', '', ''
    FROM ours JOIN pragma_index_list(ours.name) i JOIN pragma_index_info(i.name) part
    WHERE i."unique" = 1 AND i.partial = 0
    GROUP BY ours.name, i.name HAVING count(*) = 1 AND max(part.name) IS NOT NULL
UNION ALL
SELECT 'letters', '', '', lower('Ä') = 'ä', 0, '', '', '', ''
