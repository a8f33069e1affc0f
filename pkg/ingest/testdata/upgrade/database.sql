--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: sqs2pg; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA sqs2pg;


--
-- Name: ensure_partition(regclass, timestamp with time zone); Type: FUNCTION; Schema: sqs2pg; Owner: -
--

CREATE FUNCTION sqs2pg.ensure_partition(parent regclass, at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if (at between now() - interval '5 years' and now() + interval '1 year') is not true then
    raise exception 'no partition is made for a time more than 5 years ago or 1 year ahead' using errcode = 'datetime_field_overflow';
  end if;
  return sqs2pg.make_partition(parent, at);
end
$$;


--
-- Name: FUNCTION ensure_partition(parent regclass, at timestamp with time zone); Type: COMMENT; Schema: sqs2pg; Owner: -
--

COMMENT ON FUNCTION sqs2pg.ensure_partition(parent regclass, at timestamp with time zone) IS 'Makes the partition of a registered table that covers a moment from 5 years ago to 1 year ahead.';


--
-- Name: make_partition(regclass, timestamp with time zone, text); Type: FUNCTION; Schema: sqs2pg; Owner: -
--

CREATE FUNCTION sqs2pg.make_partition(parent regclass, at timestamp with time zone, width text DEFAULT NULL::text) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
declare
  registered sqs2pg.tables;
  first_moment timestamptz;
  end_moment timestamptz;
  partition text;
  there regclass;
begin
  select t.* into registered
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  if not found then
    raise exception 'table % is not one that sqs2pg partitions', parent using errcode = 'undefined_table';
  end if;
  width := coalesce(width, registered.partition_width);
  first_moment := date_trunc(width, at);
  end_moment := first_moment + ('1 ' || width)::interval;
  partition := registered.table_name || '_p' || to_char(first_moment, case width when 'day' then 'YYYYMMDD' else 'YYYYMM' end);

  perform pg_advisory_xact_lock(hashtextextended('sqs2pg.make_partition', parent::oid::bigint));
  there := to_regclass(format('%I.%I', registered.table_schema, partition));
  if exists (select from pg_inherits where inhparent = parent and inhrelid = there) then
    return null;
  elsif there is not null then
    raise exception 'the name % is taken by a table that is no partition of %: rename it', partition, parent
      using errcode = 'integrity_constraint_violation', constraint = partition;
  end if;
  execute format('create table %I.%I (like %s including all)', registered.table_schema, partition, parent);
  execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
    parent, registered.table_schema, partition, first_moment, end_moment);
  return partition;
exception
  when invalid_object_definition then -- it would overlap: partitions of another width are there
    if width = 'day' then
      return null;
    end if;
    return sqs2pg.make_partition(parent, at, 'day'); -- the rest of a month that began with days
end
$$;


--
-- Name: FUNCTION make_partition(parent regclass, at timestamp with time zone, width text); Type: COMMENT; Schema: sqs2pg; Owner: -
--

COMMENT ON FUNCTION sqs2pg.make_partition(parent regclass, at timestamp with time zone, width text) IS 'Makes the partition of a registered table that covers a moment, whenever that is.';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: people; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.people (
    email text NOT NULL,
    city text,
    logins bigint,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: TABLE people; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.people IS 'Loaded by sqs2pg: the newest event per key.';


--
-- Name: COLUMN people.email; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.email IS 'email of the event, masked: token.';


--
-- Name: COLUMN people.city; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.city IS 'city of the event, as it was sent.';


--
-- Name: COLUMN people.logins; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.logins IS 'logins of the event, as it was sent.';


--
-- Name: COLUMN people.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN people.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN people.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.people.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
)
PARTITION BY RANGE (sent_at);


--
-- Name: TABLE user_logins; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.user_logins IS 'Loaded by sqs2pg: one row per event.';


--
-- Name: COLUMN user_logins.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261125; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261125 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261125.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261125.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261125.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261125.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261125.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261125.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261125.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261125.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261125.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261125.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261126; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261126 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261126.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261126.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261126.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261126.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261126.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261126.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261126.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261126.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261126.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261126.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261127; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261127 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261127.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261127.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261127.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261127.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261127.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261127.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261127.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261127.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261127.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261127.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261128; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261128 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261128.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261128.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261128.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261128.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261128.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261128.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261128.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261128.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261128.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261128.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261129; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261129 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261129.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261129.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261129.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261129.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261129.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261129.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261129.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261129.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261129.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261129.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261130; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261130 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261130.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261130.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261130.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261130.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261130.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261130.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261130.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261130.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261130.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261130.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261201; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261201 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261201.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261201.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261201.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261201.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261201.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261201.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261201.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261201.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261201.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261201.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: user_logins_p20261202; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_logins_p20261202 (
    user_id text NOT NULL,
    device_type text NOT NULL,
    masked_ip text NOT NULL,
    masked_device_id text NOT NULL,
    locale text,
    app_version text NOT NULL,
    create_date date,
    sent_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL
);


--
-- Name: COLUMN user_logins_p20261202.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.user_id IS 'user_id of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261202.device_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.device_type IS 'device_type of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261202.masked_ip; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.masked_ip IS 'ip of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261202.masked_device_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.masked_device_id IS 'device_id of the event, masked: token.';


--
-- Name: COLUMN user_logins_p20261202.locale; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.locale IS 'locale of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261202.app_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.app_version IS 'app_version of the event, as it was sent.';


--
-- Name: COLUMN user_logins_p20261202.create_date; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.create_date IS 'UTC date of sent_at.';


--
-- Name: COLUMN user_logins_p20261202.sent_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.sent_at IS 'When the event was sent to the queue.';


--
-- Name: COLUMN user_logins_p20261202.event_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_logins_p20261202.event_id IS 'Identifies the event over every redelivery.';


--
-- Name: migrations; Type: TABLE; Schema: sqs2pg; Owner: -
--

CREATE TABLE sqs2pg.migrations (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);


--
-- Name: migrations_id_seq; Type: SEQUENCE; Schema: sqs2pg; Owner: -
--

ALTER TABLE sqs2pg.migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME sqs2pg.migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tables; Type: TABLE; Schema: sqs2pg; Owner: -
--

CREATE TABLE sqs2pg.tables (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    mode text NOT NULL,
    key_columns text[] NOT NULL,
    columns jsonb NOT NULL,
    partition_width text DEFAULT 'day'::text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tables_mode_check CHECK ((mode = ANY (ARRAY['insert'::text, 'upsert'::text]))),
    CONSTRAINT tables_partition_width_check CHECK ((partition_width = ANY (ARRAY['day'::text, 'month'::text])))
);


--
-- Name: TABLE tables; Type: COMMENT; Schema: sqs2pg; Owner: -
--

COMMENT ON TABLE sqs2pg.tables IS 'The tables that sqs2pg made from contracts. Change a contract, not this.';


--
-- Name: COLUMN tables.columns; Type: COMMENT; Schema: sqs2pg; Owner: -
--

COMMENT ON COLUMN sqs2pg.tables.columns IS 'The contract''s columns: [{"name", "type", "required", "mask"}].';


--
-- Name: COLUMN tables.partition_width; Type: COMMENT; Schema: sqs2pg; Owner: -
--

COMMENT ON COLUMN sqs2pg.tables.partition_width IS 'How much time of sent_at a new partition covers: day or month, in UTC.';


--
-- Name: user_logins_p20261125; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261125 FOR VALUES FROM ('2026-11-25 00:00:00+00') TO ('2026-11-26 00:00:00+00');


--
-- Name: user_logins_p20261126; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261126 FOR VALUES FROM ('2026-11-26 00:00:00+00') TO ('2026-11-27 00:00:00+00');


--
-- Name: user_logins_p20261127; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261127 FOR VALUES FROM ('2026-11-27 00:00:00+00') TO ('2026-11-28 00:00:00+00');


--
-- Name: user_logins_p20261128; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261128 FOR VALUES FROM ('2026-11-28 00:00:00+00') TO ('2026-11-29 00:00:00+00');


--
-- Name: user_logins_p20261129; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261129 FOR VALUES FROM ('2026-11-29 00:00:00+00') TO ('2026-11-30 00:00:00+00');


--
-- Name: user_logins_p20261130; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261130 FOR VALUES FROM ('2026-11-30 00:00:00+00') TO ('2026-12-01 00:00:00+00');


--
-- Name: user_logins_p20261201; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261201 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2026-12-02 00:00:00+00');


--
-- Name: user_logins_p20261202; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins ATTACH PARTITION public.user_logins_p20261202 FOR VALUES FROM ('2026-12-02 00:00:00+00') TO ('2026-12-03 00:00:00+00');


--
-- Data for Name: people; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.people VALUES ('k1:2324e9e9bec48e7e1997625f47618524', 'Oslo', 0, '2026-11-25', '2026-11-25 15:00:10.5+00', 'f1131e5f-0193-4d67-a043-80b2e3802112');
INSERT INTO public.people VALUES ('k1:46047e9506eb93f57faddb23fa6b3e65', 'Bergen', 7, '2026-11-25', '2026-11-25 15:00:10.5+00', 'f158f3cb-731e-4eb2-ad1e-0d2937aff283');
INSERT INTO public.people VALUES ('k1:6d19bc4fa92ba1bc4b96e2c45b8f44b9', NULL, 2, '2026-11-25', '2026-11-25 15:00:10.5+00', 'fbeb15e1-f384-42b1-acee-dfa7782a2863');
INSERT INTO public.people VALUES ('k1:bc792eabdd8b33a60a76178ea702a0db', 'Oslo', 4, '2026-11-25', '2026-11-25 15:00:10.5+00', '3b330266-5a71-480a-aa5a-c6294e3b40e1');
INSERT INTO public.people VALUES ('k1:6795d2d5e93f8a89ff88630f5d404d8d', NULL, 6, '2026-11-25', '2026-11-25 15:00:10.501+00', '0bbdbb67-4fe7-4c3c-8735-857af47a1dfd');
INSERT INTO public.people VALUES ('k1:cf17b3f2488d63b72a24329153a03262', 'Bergen', 7, '2026-11-25', '2026-11-25 15:00:10.501+00', '60d365b0-c8ff-4f96-9fb3-38fc63507c8c');


--
-- Data for Name: user_logins_p20261125; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_logins_p20261125 VALUES ('02e4de5c-3e2a-44ec-96b0-453fa26896ff', 'iOS', 'k1:9ad6a89d8a6246faf962ad7071963c38', 'k1:b94c68892427180298159eee7e811b03', NULL, '2.3.0', '2026-11-25', '2026-11-25 15:00:10.399+00', '5492dab4-5eba-4682-bc78-ca2012f858c3');
INSERT INTO public.user_logins_p20261125 VALUES ('72541368-647a-4887-967e-7bc95697509e', 'android', 'k1:da5ff4ce7c717ec5f7d804de3263740f', 'k1:604cfe337a2e35dd998504ca9ad5e4d4', 'SE', '2.3.0', '2026-11-25', '2026-11-25 15:00:10.399+00', 'de9b772d-a257-4fbb-adaa-1dc7d75b34ea');
INSERT INTO public.user_logins_p20261125 VALUES ('02e4de5c-3e2a-44ec-96b0-453fa26896ff', 'iOS', 'k1:9ad6a89d8a6246faf962ad7071963c38', 'k1:b94c68892427180298159eee7e811b03', 'SE', '1.0.7', '2026-11-25', '2026-11-25 15:00:10.399+00', '3bc48bd1-14b2-4935-ab72-60a30e5f0c16');
INSERT INTO public.user_logins_p20261125 VALUES ('4151ecd4-7814-4f43-a403-d644700c5fa3', 'android', 'k1:fa36c6eaa3dd4e723e3494935b32e70b', 'k1:4047a468422e4493758c52e5091e79ff', 'BR', '4.2.9', '2026-11-25', '2026-11-25 15:00:10.399+00', '5af9ba9a-4b15-4458-a80e-2339f81008f2');
INSERT INTO public.user_logins_p20261125 VALUES ('f44e7ba7-0c89-421a-bc08-c9f720ee9aea', 'android', 'k1:4d8630ea30998712b867e2c3a32b0b25', 'k1:60f5ed98771c7a552f2ad0f3d8c75383', 'PL', '1.0.7', '2026-11-25', '2026-11-25 15:00:10.399+00', '5161bcf7-d32a-4b01-9f43-e7516e77ec61');
INSERT INTO public.user_logins_p20261125 VALUES ('405d6f28-149c-4bef-a430-662c669a1989', 'iOS', 'k1:b81bb16d3f14e02383f66d9685542f45', 'k1:e2af410794f3cf72d16a1e7c0c60b6f4', 'CN', '4.2.9', '2026-11-25', '2026-11-25 15:00:10.399+00', 'b6ecba12-f87d-4dd8-8903-aff2a6e6f9ad');
INSERT INTO public.user_logins_p20261125 VALUES ('4068a0ce-e8f9-4209-aa73-ac0e25087e74', 'iOS', 'k1:c505659ff622449ebfa5229f02e09460', 'k1:ebd6f0fd075b07107b0886847d97ba02', 'PH', '2.00', '2026-11-25', '2026-11-25 15:00:10.399+00', '04724b45-2575-4ead-b6f5-b68f703775e5');
INSERT INTO public.user_logins_p20261125 VALUES ('4068a0ce-e8f9-4209-aa73-ac0e25087e74', 'iOS', 'k1:c505659ff622449ebfa5229f02e09460', 'k1:ebd6f0fd075b07107b0886847d97ba02', 'BR', '2.3.0', '2026-11-25', '2026-11-25 15:00:10.399+00', 'd43c01d6-03a0-4fcc-95fd-796d7eab792a');
INSERT INTO public.user_logins_p20261125 VALUES ('02e4de5c-3e2a-44ec-96b0-453fa26896ff', 'iOS', 'k1:9ad6a89d8a6246faf962ad7071963c38', 'k1:b94c68892427180298159eee7e811b03', NULL, '2.00', '2026-11-25', '2026-11-25 15:00:10.399+00', '262ffefd-9e0d-4f69-a2e8-be9ba6f3c2b6');
INSERT INTO public.user_logins_p20261125 VALUES ('2ed1711d-0d58-454f-9e48-f4393e3d75eb', 'iOS', 'k1:4fdb9f4512215d3b3f325895ccde5bc2', 'k1:fa60c1a46fc8fc5ec48eda57d5397cf1', 'BR', '2.00', '2026-11-25', '2026-11-25 15:00:10.399+00', '4a997082-6da4-4105-95c3-472f24bed088');
INSERT INTO public.user_logins_p20261125 VALUES ('2ed1711d-0d58-454f-9e48-f4393e3d75eb', 'iOS', 'k1:4fdb9f4512215d3b3f325895ccde5bc2', 'k1:fa60c1a46fc8fc5ec48eda57d5397cf1', 'BR', '2.3.0', '2026-11-25', '2026-11-25 15:00:10.401+00', 'c13693b4-a0f4-4613-be1e-d28bcf39727a');
INSERT INTO public.user_logins_p20261125 VALUES ('3e4dd57f-3b9e-4a18-9dbd-cd2d17934dd1', 'iOS', 'k1:de1fe2d1e9d36e8347f14328919bb75c', 'k1:45327b9c8372dc25558d70ea424e93c1', 'CN', '0.96', '2026-11-25', '2026-11-25 15:00:10.401+00', 'fd411b03-93ab-48a9-80f7-03310d704f6a');
INSERT INTO public.user_logins_p20261125 VALUES ('4151ecd4-7814-4f43-a403-d644700c5fa3', 'android', 'k1:fa36c6eaa3dd4e723e3494935b32e70b', 'k1:4047a468422e4493758c52e5091e79ff', 'CN', '3.4.9', '2026-11-25', '2026-11-25 15:00:10.401+00', 'f8274eea-f30d-445d-a4c7-845961288e30');
INSERT INTO public.user_logins_p20261125 VALUES ('2ed1711d-0d58-454f-9e48-f4393e3d75eb', 'iOS', 'k1:4fdb9f4512215d3b3f325895ccde5bc2', 'k1:fa60c1a46fc8fc5ec48eda57d5397cf1', 'CN', '1.0.7', '2026-11-25', '2026-11-25 15:00:10.401+00', '5e95207e-1656-4508-b7fb-56afa71ef191');
INSERT INTO public.user_logins_p20261125 VALUES ('009d0a1a-2aa4-41df-83ff-b5fdb5c1544c', 'iOS', 'k1:a6f2bee36763705f4a39a3409a956145', 'k1:81ef24e08b147e27f0147d4a9f92df18', 'BR', '4.2.9', '2026-11-25', '2026-11-25 15:00:10.401+00', '9f4368d5-8e30-4c8b-bb74-84e45ca37f25');
INSERT INTO public.user_logins_p20261125 VALUES ('74e9e47d-2e2b-47c7-be4a-fee8ed4c47fd', 'iOS', 'k1:e3ae2caae7a05d2a5b69b35f9de074da', 'k1:b8959de790f4cd8690a87fea67e63387', 'RU', '1.0.7', '2026-11-25', '2026-11-25 15:00:10.401+00', '3e569846-fab6-4fc7-9379-4747612da46f');
INSERT INTO public.user_logins_p20261125 VALUES ('e1232a79-4154-4787-a0f4-f4b37d752185', 'android', 'k1:e77a6458bb42e6050767bcfc97c2c5f4', 'k1:3178d5f4d52916263ffeeac04ea0c3c2', 'FR', '1.0.7', '2026-11-25', '2026-11-25 15:00:10.401+00', 'dc9fb04b-9967-49e6-a1e9-81632a64e644');
INSERT INTO public.user_logins_p20261125 VALUES ('f44e7ba7-0c89-421a-bc08-c9f720ee9aea', 'android', 'k1:4d8630ea30998712b867e2c3a32b0b25', 'k1:60f5ed98771c7a552f2ad0f3d8c75383', NULL, '0.2.6', '2026-11-25', '2026-11-25 15:00:10.401+00', '2909c4e1-431a-4765-a1fa-40a28924193e');
INSERT INTO public.user_logins_p20261125 VALUES ('009d0a1a-2aa4-41df-83ff-b5fdb5c1544c', 'iOS', 'k1:a6f2bee36763705f4a39a3409a956145', 'k1:81ef24e08b147e27f0147d4a9f92df18', NULL, '0.2.6', '2026-11-25', '2026-11-25 15:00:10.401+00', '30966aac-6d98-4be2-9d52-73c51a795211');
INSERT INTO public.user_logins_p20261125 VALUES ('2ed1711d-0d58-454f-9e48-f4393e3d75eb', 'iOS', 'k1:4fdb9f4512215d3b3f325895ccde5bc2', 'k1:fa60c1a46fc8fc5ec48eda57d5397cf1', NULL, '0.96', '2026-11-25', '2026-11-25 15:00:10.401+00', 'f530ee4c-463c-42d4-9507-2d14fdaec2ca');


--
-- Data for Name: user_logins_p20261126; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261127; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261128; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261129; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261130; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261201; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_logins_p20261202; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: migrations; Type: TABLE DATA; Schema: sqs2pg; Owner: -
--

INSERT INTO sqs2pg.migrations VALUES (1, 0, true, '2026-11-25 15:00:01.896823');
INSERT INTO sqs2pg.migrations VALUES (2, 1, true, '2026-11-25 15:00:01.91683');


--
-- Data for Name: tables; Type: TABLE DATA; Schema: sqs2pg; Owner: -
--

INSERT INTO sqs2pg.tables VALUES ('public', 'user_logins', 'insert', '{}', '[{"mask": "none", "name": "user_id", "type": "text", "required": true}, {"mask": "none", "name": "device_type", "type": "text", "required": true}, {"mask": "token", "name": "masked_ip", "type": "text", "required": true}, {"mask": "token", "name": "masked_device_id", "type": "text", "required": true}, {"mask": "none", "name": "locale", "type": "text", "required": false}, {"mask": "none", "name": "app_version", "type": "text", "required": true}]', 'day', '2026-11-25 15:00:01.937528+00');
INSERT INTO sqs2pg.tables VALUES ('public', 'people', 'upsert', '{email}', '[{"mask": "token", "name": "email", "type": "text", "required": true}, {"mask": "none", "name": "city", "type": "text", "required": false}, {"mask": "none", "name": "logins", "type": "bigint", "required": false}]', 'day', '2026-11-25 15:00:02.54712+00');


--
-- Name: migrations_id_seq; Type: SEQUENCE SET; Schema: sqs2pg; Owner: -
--

SELECT pg_catalog.setval('sqs2pg.migrations_id_seq', 2, true);


--
-- Name: people people_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (email);


--
-- Name: user_logins user_logins_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins
    ADD CONSTRAINT user_logins_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261125 user_logins_p20261125_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261125
    ADD CONSTRAINT user_logins_p20261125_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261126 user_logins_p20261126_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261126
    ADD CONSTRAINT user_logins_p20261126_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261127 user_logins_p20261127_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261127
    ADD CONSTRAINT user_logins_p20261127_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261128 user_logins_p20261128_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261128
    ADD CONSTRAINT user_logins_p20261128_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261129 user_logins_p20261129_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261129
    ADD CONSTRAINT user_logins_p20261129_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261130 user_logins_p20261130_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261130
    ADD CONSTRAINT user_logins_p20261130_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261201 user_logins_p20261201_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261201
    ADD CONSTRAINT user_logins_p20261201_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: user_logins_p20261202 user_logins_p20261202_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_logins_p20261202
    ADD CONSTRAINT user_logins_p20261202_pkey PRIMARY KEY (sent_at, event_id);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: sqs2pg; Owner: -
--

ALTER TABLE ONLY sqs2pg.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (id);


--
-- Name: tables tables_pkey; Type: CONSTRAINT; Schema: sqs2pg; Owner: -
--

ALTER TABLE ONLY sqs2pg.tables
    ADD CONSTRAINT tables_pkey PRIMARY KEY (table_schema, table_name);


--
-- Name: user_logins_p20261125_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261125_pkey;


--
-- Name: user_logins_p20261126_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261126_pkey;


--
-- Name: user_logins_p20261127_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261127_pkey;


--
-- Name: user_logins_p20261128_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261128_pkey;


--
-- Name: user_logins_p20261129_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261129_pkey;


--
-- Name: user_logins_p20261130_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261130_pkey;


--
-- Name: user_logins_p20261201_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261201_pkey;


--
-- Name: user_logins_p20261202_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.user_logins_pkey ATTACH PARTITION public.user_logins_p20261202_pkey;


--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO sqs2pg_writer;


--
-- Name: SCHEMA sqs2pg; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA sqs2pg TO sqs2pg_writer;


--
-- Name: FUNCTION ensure_partition(parent regclass, at timestamp with time zone); Type: ACL; Schema: sqs2pg; Owner: -
--

REVOKE ALL ON FUNCTION sqs2pg.ensure_partition(parent regclass, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sqs2pg.ensure_partition(parent regclass, at timestamp with time zone) TO sqs2pg_writer;


--
-- Name: FUNCTION make_partition(parent regclass, at timestamp with time zone, width text); Type: ACL; Schema: sqs2pg; Owner: -
--

REVOKE ALL ON FUNCTION sqs2pg.make_partition(parent regclass, at timestamp with time zone, width text) FROM PUBLIC;


--
-- Name: TABLE people; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.people TO sqs2pg_writer;


--
-- Name: TABLE user_logins; Type: ACL; Schema: public; Owner: -
--

GRANT INSERT ON TABLE public.user_logins TO sqs2pg_writer;


--
-- Name: COLUMN user_logins.sent_at; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(sent_at) ON TABLE public.user_logins TO sqs2pg_writer;


--
-- Name: COLUMN user_logins.event_id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(event_id) ON TABLE public.user_logins TO sqs2pg_writer;


--
-- PostgreSQL database dump complete
--


