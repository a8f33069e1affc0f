create table "public"."order_placed" (
  "order_id" uuid not null,
  "placed_at" timestamptz not null,
  "deliver_on" date,
  "customer_id" text not null,
  "customer_email" text not null,
  "customer_phone" text,
  "customer_loyalty_tier" text,
  "customer_loyalty_points" bigint,
  "source_network" text not null,
  "card_hash" text,
  "currency" text not null,
  "items" bigint not null,
  "total" double precision not null,
  "gift" boolean not null,
  "lines" jsonb not null,
  "attributes" jsonb,
  create_date date,
  sent_at timestamptz not null,
  event_id uuid not null,
  constraint "order_placed_pkey" primary key ("sent_at", "event_id")
) partition by range (sent_at);
comment on table "public"."order_placed" is 'Loaded by sqs2pg: one row per event.';
comment on column "public"."order_placed"."order_id" is 'order_id of the event, as it was sent.';
comment on column "public"."order_placed"."placed_at" is 'placed_at of the event, as it was sent.';
comment on column "public"."order_placed"."deliver_on" is 'deliver_on of the event, as it was sent.';
comment on column "public"."order_placed"."customer_id" is 'customer.id of the event, masked: token.';
comment on column "public"."order_placed"."customer_email" is 'customer.email of the event, masked: token.';
comment on column "public"."order_placed"."customer_phone" is 'customer.phone of the event, never stored.';
comment on column "public"."order_placed"."customer_loyalty_tier" is 'customer.loyalty.tier of the event, as it was sent.';
comment on column "public"."order_placed"."customer_loyalty_points" is 'customer.loyalty.points of the event, as it was sent.';
comment on column "public"."order_placed"."source_network" is 'source_ip of the event, masked: ip-network.';
comment on column "public"."order_placed"."card_hash" is 'card of the event, masked: sha256-8.';
comment on column "public"."order_placed"."currency" is 'currency of the event, as it was sent.';
comment on column "public"."order_placed"."items" is 'items of the event, as it was sent.';
comment on column "public"."order_placed"."total" is 'total of the event, as it was sent.';
comment on column "public"."order_placed"."gift" is 'gift of the event, as it was sent.';
comment on column "public"."order_placed"."lines" is 'lines of the event, as it was sent.';
comment on column "public"."order_placed"."attributes" is 'attributes of the event, as it was sent.';
comment on column "public"."order_placed"."create_date" is 'UTC date of sent_at.';
comment on column "public"."order_placed"."sent_at" is 'When the event was sent to the queue.';
comment on column "public"."order_placed"."event_id" is 'Identifies the event over every redelivery.';
grant usage on schema "public" to sqs2pg_writer, sqs2pg_reader, sqs2pg_revealer;
grant insert, select (sent_at, event_id) on "public"."order_placed" to sqs2pg_writer;
grant select on "public"."order_placed" to sqs2pg_reader, sqs2pg_revealer;

