DROP TABLE {schema}.migration;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{name}' AND pg_has_role(nspowner, 'USAGE'))
        AND has_database_privilege(current_database(), 'CREATE')
        AND NOT EXISTS (
            SELECT FROM pg_depend d JOIN pg_namespace n ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
            WHERE n.nspname = '{name}' AND d.deptype = 'n'
        )
    THEN
        DROP SCHEMA {schema};
    END IF;
END
$$;
