-- Who connects to the local database: the owner is postgres, the functions write as ingest, which may do nothing else.
-- Migrations grant to sqs2pg_writer; on RDS an administrator, or the maintain function itself, makes the same two.
create role sqs2pg_writer nologin;
create role ingest login password 'ingest' in role sqs2pg_writer;
