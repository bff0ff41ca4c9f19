DROP TABLE {schema}.cursor;
DROP TABLE {schema}.event;
DROP FUNCTION {schema}.hold_log();
DROP TABLE {schema}.attempt_error;
DROP TABLE {schema}.resource_detail;
DROP TABLE {schema}.resource;
DROP TABLE {schema}.kind;
DROP TABLE {schema}.namespace;
