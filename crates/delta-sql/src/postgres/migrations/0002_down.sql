DROP TABLE {schema}.dead_letter;
