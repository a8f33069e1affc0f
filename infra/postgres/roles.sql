-- The users of the local database: postgres is the owner, and the ingest function writes as ingest, who may only write.
-- Migrations grant rights to sqs2pg_writer. On RDS an administrator or the maintain function makes the same two roles.
create role sqs2pg_writer nologin;
create role ingest login password 'ingest' in role sqs2pg_writer;
