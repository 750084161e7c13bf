package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"halorun/launcher/jobs/watch"
)

// sqlStore is a Store in a database that speaks SQL.
type sqlStore struct {
	db *sql.DB
	dialect
	path string      // of its file, if it has one
	file os.FileInfo // that it was at first
}

// gone tells whether the store's file was removed, or another one has taken its place.
func (s *sqlStore) gone() bool {
	if s.file == nil {
		return false
	}
	st, err := os.Stat(s.path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(st, s.file)
}

// dialect is in what databases differ.
type dialect struct {
	find   string // a function of a text and a part of it, which is above 0 if that is in there
	size   string // a query for the size of all
	vacuum string
}

// tables is the schema. Times are milliseconds since 1970, lists are JSON.
func tables() []string {
	return []string{
		`CREATE TABLE halorun_attempts (
		run TEXT PRIMARY KEY, job TEXT NOT NULL, state TEXT NOT NULL,
		begun BIGINT NOT NULL, ended BIGINT NOT NULL, seen BIGINT NOT NULL,
		account TEXT NOT NULL, machine TEXT NOT NULL, pid BIGINT NOT NULL, version TEXT NOT NULL, command TEXT NOT NULL, dir TEXT NOT NULL,
		input TEXT NOT NULL, output TEXT NOT NULL, ops TEXT NOT NULL, ranks BIGINT NOT NULL, hosts TEXT NOT NULL,
		width BIGINT NOT NULL, height BIGINT NOT NULL, channels BIGINT NOT NULL,
		exit_status BIGINT NOT NULL, error TEXT NOT NULL, events BIGINT NOT NULL, entries BIGINT NOT NULL, dropped BIGINT NOT NULL,
		bytes BIGINT NOT NULL, report TEXT NOT NULL, searched TEXT NOT NULL)`,
		`CREATE INDEX halorun_attempts_job ON halorun_attempts (job, begun, run)`,
		`CREATE INDEX halorun_attempts_begun ON halorun_attempts (begun, run)`,
		`CREATE TABLE halorun_entries (
		run TEXT NOT NULL, seq BIGINT NOT NULL, time BIGINT NOT NULL, kind TEXT NOT NULL, level BIGINT NOT NULL,
		rank BIGINT, host TEXT NOT NULL, stream TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, seq))`,
	}
}

const columns = `run, job, state, begun, ended, seen, account, machine, pid, version, command, dir, input, output, ops, ranks, hosts,
	width, height, channels, exit_status, error, events, entries, dropped, bytes`

// make makes the tables, if they are not there, and tells whether this program knows them.
func (s *sqlStore) make(ctx context.Context, tx *sql.Tx, version int) error {
	if version > schema {
		return errNewer(version)
	}
	if version == schema {
		return nil
	}
	for _, t := range tables() {
		if _, err := tx.ExecContext(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// within does something in one transaction.
func within(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // of no effect after Commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqlStore) Add(ctx context.Context, a *Attempt, entries []Entry) error {
	return within(ctx, s.db, func(tx *sql.Tx) error {
		for len(entries) > 0 {
			n := min(len(entries), 100) // of nine values each: databases have a limit
			if err := addEntries(ctx, tx, a.Run, entries[:n]); err != nil {
				return err
			}
			entries = entries[n:]
		}
		values := []any{
			a.Run, a.Job, a.State, millis(a.Begun), millis(a.Ended), millis(a.Seen), a.User, a.Machine, a.PID, a.Version, list(a.Command), a.Dir,
			a.Input, a.Output, list(a.Ops), a.Ranks, list(a.Hosts), a.Picture.Width, a.Picture.Height, a.Picture.Channels,
			a.ExitStatus, a.Error, a.Events, a.Entries, a.Dropped, a.Bytes, string(a.Report), a.searched(),
		}
		query := `INSERT INTO halorun_attempts (` + columns + `, report, searched) VALUES (` + places(1, len(values)) + `)
			ON CONFLICT (run) DO UPDATE SET ` + updates + ` WHERE excluded.entries >= halorun_attempts.entries`
		_, err := tx.ExecContext(ctx, query, values...)
		return err
	})
}

// updates takes over all of an attempt but its name.
const updates = `job = excluded.job, state = excluded.state, begun = excluded.begun, ended = excluded.ended, seen = excluded.seen,
	account = excluded.account, machine = excluded.machine, pid = excluded.pid, version = excluded.version, command = excluded.command,
	dir = excluded.dir, input = excluded.input, output = excluded.output, ops = excluded.ops, ranks = excluded.ranks, hosts = excluded.hosts,
	width = excluded.width, height = excluded.height, channels = excluded.channels, exit_status = excluded.exit_status,
	error = excluded.error, events = excluded.events, entries = excluded.entries, dropped = excluded.dropped, bytes = excluded.bytes,
	report = excluded.report, searched = excluded.searched`

func addEntries(ctx context.Context, tx *sql.Tx, run string, entries []Entry) error {
	var rows []string
	var values []any
	for _, e := range entries {
		rows = append(rows, "("+places(len(values)+1, 9)+")")
		values = append(values, run, e.Seq, millis(e.Time), e.Kind, int64(e.Level), e.Rank, e.Host, e.Stream, e.Text)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO halorun_entries (run, seq, time, kind, level, rank, host, stream, text) VALUES `+
		strings.Join(rows, ", ")+` ON CONFLICT (run, seq) DO NOTHING`, values...)
	return err
}

// places returns n placeholders, from number first on.
func places(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(all, ", ")
}

// condition gathers what rows must fulfil.
type condition struct {
	all    []string
	values []any
}

// value takes a value and returns its placeholder.
func (c *condition) value(v any) string {
	c.values = append(c.values, v)
	return fmt.Sprintf("$%d", len(c.values))
}

// in is that a column has one of some values.
func in[T any](c *condition, column string, values []T) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = c.value(v)
	}
	return column + " IN (" + strings.Join(all, ", ") + ")"
}

func (c *condition) and(what string) { c.all = append(c.all, what) }

func (c *condition) where() string {
	if len(c.all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.all, " AND ")
}

func (s *sqlStore) Attempts(ctx context.Context, q Query) ([]*Attempt, error) {
	c := new(condition)
	if q.Latest {
		c.and(`NOT EXISTS (SELECT 1 FROM halorun_attempts later
			WHERE later.job = halorun_attempts.job AND (later.begun, later.run) > (halorun_attempts.begun, halorun_attempts.run))`)
	}
	if len(q.IDs) > 0 {
		c.and("(" + in(c, "run", q.IDs) + " OR " + in(c, "job", q.IDs) + ")")
	}
	if len(q.States) > 0 {
		c.and(in(c, "state", q.States))
	}
	if !q.Since.IsZero() {
		c.and("begun >= " + c.value(millis(q.Since)))
	}
	if !q.Until.IsZero() {
		c.and("begun < " + c.value(millis(q.Until)))
	}
	if q.Text != "" {
		c.and("(" + s.find + "(searched, " + c.value(folded(q.Text)) + ") > 0 OR run IN (SELECT run FROM halorun_entries WHERE " +
			s.find + "(lower(text), lower(" + c.value(q.Text) + ")) > 0))")
	}
	query := "SELECT " + columns + ", ''"
	if q.Reports {
		query = "SELECT " + columns + ", report"
	}
	query += " FROM halorun_attempts" + c.where() + " ORDER BY begun DESC, run DESC"
	if q.Limit > 0 {
		query += " LIMIT " + c.value(q.Limit)
	}
	rows, err := s.db.QueryContext(ctx, query, c.values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*Attempt
	for rows.Next() {
		a := new(Attempt)
		var begun, ended, seen int64
		var command, ops, hosts, report string
		if err := rows.Scan(&a.Run, &a.Job, &a.State, &begun, &ended, &seen, &a.User, &a.Machine, &a.PID, &a.Version, &command, &a.Dir,
			&a.Input, &a.Output, &ops, &a.Ranks, &hosts, &a.Picture.Width, &a.Picture.Height, &a.Picture.Channels,
			&a.ExitStatus, &a.Error, &a.Events, &a.Entries, &a.Dropped, &a.Bytes, &report); err != nil {
			return nil, err
		}
		a.Begun, a.Ended, a.Seen = fromMillis(begun), fromMillis(ended), fromMillis(seen)
		a.Command, a.Ops, a.Hosts = fromList(command), fromList(ops), fromList(hosts)
		if report != "" {
			a.Report = json.RawMessage(report)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

func (s *sqlStore) Entries(ctx context.Context, run string, after int64, limit int) ([]Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT seq, time, kind, level, rank, host, stream, text FROM halorun_entries
		WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3`, run, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Entry
	for rows.Next() {
		var e Entry
		var at, level int64
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &level, &e.Rank, &e.Host, &e.Stream, &e.Text); err != nil {
			return nil, err
		}
		e.Time, e.Level = fromMillis(at), slog.Level(level)
		all = append(all, e)
	}
	return all, rows.Err()
}

func (s *sqlStore) Bury(ctx context.Context, since time.Time, except []string) error {
	c := new(condition)
	c.and(in(c, "state", watch.Alive()))
	c.and("seen < " + c.value(millis(since)))
	if len(except) > 0 {
		c.and("NOT " + in(c, "run", except))
	}
	set := "UPDATE halorun_attempts SET state = " + c.value(Killed)
	_, err := s.db.ExecContext(ctx, set+c.where(), c.values...)
	return err
}

func (s *sqlStore) Remove(ctx context.Context, runs []string) error {
	return within(ctx, s.db, func(tx *sql.Tx) error {
		for len(runs) > 0 {
			n := min(len(runs), 500)
			for _, table := range []string{"halorun_entries", "halorun_attempts"} {
				c := new(condition)
				c.and(in(c, "run", runs[:n]))
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+c.where(), c.values...); err != nil {
					return err
				}
			}
			runs = runs[n:]
		}
		return nil
	})
}

func (s *sqlStore) Size(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, s.size).Scan(&n)
	return n, err
}

func (s *sqlStore) Compact(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, s.vacuum)
	return err
}

func (s *sqlStore) Close() error { return s.db.Close() }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

func list(all []string) string {
	if all == nil {
		all = []string{}
	}
	b, _ := json.Marshal(all) // strings always can
	return string(b)
}

func fromList(s string) (all []string) {
	_ = json.Unmarshal([]byte(s), &all) // it was written by list
	return all
}
