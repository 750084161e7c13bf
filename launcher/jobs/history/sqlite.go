package history

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"halorun/launcher/jobs"
)

const (
	// appID is the application_id of our databases: "halo".
	appID = 0x68616c6f
	// busyTime is how long one waits for another process that writes.
	busyTime = 5 * time.Second
)

// Default returns the database of this user on this machine, beside the folder of jobs that can be resumed.
func Default() (Target, error) {
	state, err := stateFolder()
	return Target{kind: "sqlite", path: filepath.Join(state, "history.db"), own: true}, err
}

// stateFolder returns the folder of what the program keeps.
func stateFolder() (string, error) {
	root, err := jobs.Root()
	if err != nil {
		return "", errors.New("no folder for the history of jobs: neither XDG_STATE_HOME nor HOME is set")
	}
	return filepath.Dir(root), nil
}

func fileTarget(path string) (Target, error) {
	abs, err := filepath.Abs(path)
	return Target{kind: "sqlite", path: abs}, err
}

func openSQLite(ctx context.Context, t Target, warn func(string)) (*sqlStore, error) {
	if !t.doubtful {
		if s, err := tryOpen(ctx, t); !isCorrupt(err) {
			return s, err
		}
	}
	if !t.own && !isOurs(t.path) {
		return nil, errors.New("it is no database of Halorun, and left as it is")
	}
	aside, moved, err := setAside(ctx, t)
	if err != nil {
		return nil, err
	}
	if moved && warn != nil {
		warn(fmt.Sprintf("the history in %s is damaged; it is now in %s, and a new one is begun", t.path, aside))
	}
	return tryOpen(ctx, t)
}

func tryOpen(ctx context.Context, t Target) (*sqlStore, error) {
	if t.own {
		if err := os.MkdirAll(filepath.Dir(t.path), 0o700); err != nil {
			return nil, err
		}
	}
	// SQLite gives its other files the permissions of this one.
	f, err := os.OpenFile(t.path, os.O_RDWR|os.O_CREATE|unix.O_NONBLOCK, 0o600)
	how, readOnly := "synchronous(NORMAL)&_txlock=immediate", isForbidden(err)
	if readOnly {
		how = "query_only(1)&mode=ro"
		if st, err := os.Stat(t.path + "-wal"); err != nil || st.Size() == 0 {
			how += "&immutable=1" // else it would need files beside it
		}
		f, err = os.OpenFile(t.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	f.Close()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, err
	}
	name := (&url.URL{Scheme: "file", Path: t.path, RawQuery: fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=%s", busyTime.Milliseconds(), how)}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &sqlStore{db: db, path: t.path, file: st, dialect: dialect{
		find: "instr", vacuum: "VACUUM",
		size: "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
	}}
	if err := within(ctx, db, func(tx *sql.Tx) error { return s.prepare(ctx, tx) }); err != nil {
		db.Close()
		return nil, err
	}
	if readOnly {
		return s, nil
	}
	journal := "WAL"
	if remote(t.path) {
		journal = "TRUNCATE" // the other way needs memory that all who use it share
	}
	// It needs the database for itself. If others use it, it is in this mode already, or will be the next time.
	_, _ = db.ExecContext(ctx, "PRAGMA journal_mode = "+journal)
	return s, nil
}

// prepare makes the tables in a database that has none. Nobody else writes meanwhile.
func (s *sqlStore) prepare(ctx context.Context, tx *sql.Tx) error {
	var version, app, others int
	for query, to := range map[string]*int{"PRAGMA user_version": &version, "PRAGMA application_id": &app, "SELECT count(*) FROM sqlite_master": &others} {
		if err := tx.QueryRowContext(ctx, query).Scan(to); err != nil {
			return err
		}
	}
	if app != appID && others > 0 {
		return errors.New("it is a database of another program, and left as it is")
	}
	if err := s.make(ctx, tx, version); err != nil || version == schema {
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", appID, schema))
	return err
}

// remote tells whether a file is on another machine, or may be.
func remote(path string) bool {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.V9FS_MAGIC, lustreMagic, gpfsMagic:
		return true
	}
	return false
}

// From the sources of these file systems; package unix lacks them.
const (
	lustreMagic = 0x0bd00bd0
	gpfsMagic   = 0x47504653
)

var errDamaged = errors.New("it is damaged")

// isCorrupt tells whether an error says that a file is damaged.
func isCorrupt(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return errors.Is(err, errDamaged)
	}
	code := e.Code() & 0xff // extended codes have more above
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// isForbidden tells whether an error says that one may not write.
func isForbidden(err error) bool {
	var lite *sqlite.Error
	var server *pgconn.PgError
	var mongodb mongo.ServerError
	switch {
	case errors.As(err, &lite):
		return lite.Code()&0xff == sqlite3.SQLITE_READONLY
	case errors.As(err, &server):
		return server.Code == "42501" || server.Code == "25006" // insufficient_privilege, read_only_sql_transaction
	case errors.As(err, &mongodb):
		return mongodb.HasErrorCode(13) // Unauthorized
	}
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)
}

// isOurs tells whether a file, however damaged, begins as our databases do.
func isOurs(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 72)
	_, err = f.ReadAt(head, 0)
	return err == nil && bytes.HasPrefix(head, []byte("SQLite format 3\x00")) && binary.BigEndian.Uint32(head[68:]) == appID
}

// setAside gives a damaged database another name, unless another process has just done so. Its lock's file stays: others may wait for that one.
func setAside(ctx context.Context, t Target) (aside string, moved bool, err error) {
	lock, err := os.OpenFile(t.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", false, err
	}
	defer lock.Close()
	for {
		err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return "", false, err
		}
		select {
		case <-ctx.Done():
			return "", false, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	s, err := tryOpen(ctx, t)
	if err == nil {
		err = s.check(ctx)
		s.Close()
	}
	if !isCorrupt(err) {
		return "", false, err
	}
	aside = fmt.Sprintf("%s.damaged-%s", t.path, time.Now().Format("20060102T150405.000"))
	for _, end := range []string{"-wal", "-shm", "-journal", ""} { // the database last: without the others it is nothing new
		if err := os.Rename(t.path+end, aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
	}
	return aside, true, nil
}

// check looks for damage in all of a database.
func (s *sqlStore) check(ctx context.Context) error {
	var result string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return errDamaged
	}
	return nil
}
