package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// schema is the version of what a store looks like.
const schema = 1

// errNewer is about a store that a later version of the program has made.
func errNewer(version int) error {
	return fmt.Errorf("it was made by a newer version of Halorun (schema %d, and this one knows %d)", version, schema)
}

// Store keeps attempts and their entries. Its methods may be called by any goroutine, and several processes may use one database.
type Store interface {
	// Add takes over how an attempt is, and entries of it. What is there already is left as it is, and so is an attempt of which more
	// is known.
	Add(ctx context.Context, a *Attempt, entries []Entry) error
	// Attempts returns those that match, the latest first.
	Attempts(ctx context.Context, q Query) ([]*Attempt, error)
	// Entries returns entries of an attempt after the one with the given number, in order, at most limit.
	Entries(ctx context.Context, run string, after int64, limit int) ([]Entry, error)
	// Bury makes attempts Killed that are taken for running, but were not seen since the given time, except some.
	Bury(ctx context.Context, since time.Time, except []string) error
	// Remove forgets attempts.
	Remove(ctx context.Context, runs []string) error
	// Size returns how large all is, in bytes.
	Size(ctx context.Context) (int64, error)
	// Compact gives back the room of what was removed.
	Compact(ctx context.Context) error
	Close() error
}

// Query says which attempts are wanted. What is empty or zero excludes nothing.
type Query struct {
	Latest       bool     // of each job only the latest attempt
	IDs          []string // of jobs or attempts
	States       []string
	Since, Until time.Time // when it began; before Until
	Text         string    // in what is known of it, or in an entry, in any case
	Limit        int
	Reports      bool // are wanted, too
}

// Target is a database, as --log-db names it.
type Target struct {
	kind string // sqlite, postgres or mongodb
	path string // of sqlite
	uri  string // of others, with its password
	own  bool   // it is the default one
	// doubtful says that it is to be looked through for damage when it is opened.
	doubtful bool
}

// ParseTarget understands the value of --log-db: postgres://…, mongodb://…, sqlite:PATH or a path.
func ParseTarget(text string) (Target, error) {
	scheme, _, isURI := strings.Cut(text, "://")
	switch {
	case text == "":
		return Target{}, errors.New("the name of a database is missing")
	case slices.Contains([]string{"postgres", "postgresql"}, scheme) && isURI:
		t := Target{kind: "postgres", uri: text}
		_, err := pgx.ParseConfig(text)
		return t, t.mistake(err)
	case scheme == "mongodb" && isURI:
		t := Target{kind: "mongodb", uri: text}
		_, err := connstring.ParseAndValidate(text)
		return t, t.mistake(err)
	case scheme == "mongodb+srv" && isURI: // of which only a name server knows more
		return Target{kind: "mongodb", uri: text}, nil
	case isURI && !strings.ContainsAny(scheme, "/."):
		return Target{}, fmt.Errorf("%q is of no kind of database that is known; there are postgres://, mongodb:// and sqlite:PATH", Redact(text))
	case strings.Contains(text, "password="):
		return Target{}, errors.New("give a database as postgres://USER@HOST/NAME, mongodb://… or sqlite:PATH")
	}
	path := strings.TrimPrefix(text, "sqlite:")
	if path == "" {
		return Target{}, errors.New("sqlite: the path of the database is missing")
	}
	t, err := fileTarget(path)
	if _, statErr := os.Stat(filepath.Dir(t.path)); err == nil && errors.Is(statErr, fs.ErrNotExist) {
		err = fmt.Errorf("the folder of %s does not exist", path)
	}
	return t, err
}

// mistake makes an error about the text of a name one without a password.
func (t Target) mistake(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", t, t.scrub(err.Error()))
}

// String returns the name of the database, without a password.
func (t Target) String() string {
	if t.kind == "sqlite" {
		return t.path
	}
	return Redact(t.uri)
}

// Open opens a database, and makes what it lacks. The error names it. warn is told what was mended.
func Open(ctx context.Context, t Target, warn func(string)) (s Store, err error) {
	switch t.kind {
	case "postgres":
		s, err = openPostgres(ctx, t.uri)
	case "mongodb":
		s, err = openMongo(ctx, t.uri)
	default:
		s, err = openSQLite(ctx, t, warn)
	}
	if err != nil {
		return nil, t.about(err)
	}
	return s, nil
}

// about makes an error one of this database, in one line, without its password.
func (t Target) about(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch lite := new(sqlite.Error); {
	case errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY:
		text = fmt.Sprintf("another process keeps it locked for longer than %v; try again", busyTime)
	case strings.Contains(text, topology): // all that the driver knows of all servers
		before, after, _ := strings.Cut(text, topology)
		if i := strings.LastIndex(after, "Last error: "); i >= 0 {
			after, _, _ = strings.Cut(after[i+len("Last error: "):], " }")
			before += ": " + after
		}
		text = before
	}
	return &storeError{fmt.Sprintf("the history in %s: %s", t, t.scrub(text)), err}
}

// topology is what MongoDB's driver puts before a description of all servers.
const topology = ", current topology:"

// storeError is an error whose text has no password.
type storeError struct {
	text string
	err  error
}

func (e *storeError) Error() string { return e.text }
func (e *storeError) Unwrap() error { return e.err }

// Filter says which entries of an attempt are wanted.
type Filter struct {
	Level slog.Level
	Rank  *int // nil: of all, and of the launcher
}

// Wants tells whether an entry passes.
func (f Filter) Wants(e *Entry) bool {
	return e.Level >= f.Level && (f.Rank == nil || e.Rank != nil && *e.Rank == *f.Rank)
}

// IsFile tells whether a database is a file.
func (t Target) IsFile() bool { return t.kind == "sqlite" }
