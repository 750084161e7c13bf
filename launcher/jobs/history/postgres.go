package history

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// advisory is the number of the lock under which the schema is made in PostgreSQL: "halorun" in ASCII.
const advisory = 0x68616c6f72756e

// connectTime is how long one waits for a server, if its URI says nothing else.
const connectTime = 10 * time.Second

func openPostgres(ctx context.Context, uri string) (*sqlStore, error) {
	config, err := pgx.ParseConfig(uri)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // which works behind poolers, too
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "halorun"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(1)
	s := &sqlStore{db: db, dialect: dialect{
		find: "strpos", size: "SELECT coalesce(sum(bytes), 0)::bigint FROM halorun_attempts", vacuum: "SELECT 1", // it has its autovacuum
	}}
	if err := within(ctx, db, func(tx *sql.Tx) error { return s.prepareServer(ctx, tx) }); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// prepareServer makes the tables where there are none. Others who do so wait for the lock.
func (s *sqlStore) prepareServer(ctx context.Context, tx *sql.Tx) error {
	var there bool
	// Not by to_regclass, which remembers what it did not find before the lock.
	const seen = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'halorun_schema' AND pg_table_is_visible(oid))"
	if err := tx.QueryRowContext(ctx, seen).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(advisory)); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, seen).Scan(&there); err != nil {
			return err
		}
	}
	version := 0
	if there {
		if err := tx.QueryRowContext(ctx, "SELECT max(version) FROM halorun_schema").Scan(&version); err != nil {
			return err
		}
	}
	if err := s.make(ctx, tx, version); err != nil || version == schema {
		return err
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE halorun_schema (version INTEGER NOT NULL)"); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO halorun_schema VALUES ($1)", schema)
	return err
}
