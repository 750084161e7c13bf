package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sys/unix"
)

const (
	headSize = 24
	sealAt   = 16
	magic    = "\xd7jrn"
	// MaxRecord is how long a payload may be.
	MaxRecord = 1 << 20
)

// ID is the identity of a job. A record of another job counts for nothing.
type ID [32]byte

// seal returns the checksum of a record's head that stands at the given place.
func (id ID) seal(head []byte, at int64) uint64 {
	d := xxhash.NewWithSeed(xxhash.Sum64(id[:]) + uint64(at))
	_, _ = d.Write(head[:sealAt]) // never fails
	return d.Sum64()
}

// Log is a file that records are appended to. It is safe for concurrent use by one process. After an error of the file it returns that
// error for ever: what was appended before counts.
type Log struct {
	file *os.File
	id   ID

	mu  sync.Mutex
	at  int64
	buf []byte
	err error

	syncMu sync.Mutex
	synced int64 // up to here
}

// Open returns a Log that appends to f, behind what is in it already. The file stays the caller's.
func Open(f *os.File, id ID) (*Log, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &Log{file: f, id: id, at: st.Size()}, nil
}

// Append appends records, in one write.
func (l *Log) Append(payloads ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.buf = l.buf[:0]
	for _, p := range payloads {
		if len(p) > MaxRecord {
			return fmt.Errorf("a record of %d bytes; at most %d are possible", len(p), MaxRecord)
		}
		first := len(l.buf)
		l.buf = append(l.buf, magic...)
		l.buf = binary.LittleEndian.AppendUint32(l.buf, uint32(len(p)))
		l.buf = binary.LittleEndian.AppendUint64(l.buf, xxhash.Sum64(p))
		l.buf = binary.LittleEndian.AppendUint64(l.buf, l.id.seal(l.buf[first:], l.at+int64(first)))
		l.buf = append(l.buf, p...)
	}
	if _, err := l.file.WriteAt(l.buf, l.at); err != nil {
		_ = l.file.Truncate(l.at) // else a reader skips it
		l.err = err
		return err
	}
	l.at += int64(len(l.buf))
	return nil
}

// Bytes returns the size of the file.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at
}

// Sync makes what was appended before it outlast the host's crash. Who calls it while it runs waits for the next run, which is for
// all who wait.
func (l *Log) Sync() error {
	want := l.Bytes()
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.synced >= want {
		return nil
	}
	upTo := l.Bytes()
	err := datasync(l.file)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		// The kernel may have dropped what it could not write, and not say so again.
		l.err = errors.Join(l.err, err)
		return l.err
	}
	l.synced = upTo
	return l.err
}

func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err == nil, errors.Is(err, unix.EINVAL): // what cannot be synced, such as memory
			return nil
		}
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
	}
}

// Reader reads records in the order in which they stand. One goroutine may use it at a time.
type Reader struct {
	file io.ReaderAt
	id   ID
	at   int64 // of the next record
	buf  []byte
	base int64 // where buf stands
}

// NewReader returns a Reader of a file from its beginning.
func NewReader(f io.ReaderAt, id ID) *Reader { return &Reader{file: f, id: id} }

// NewReaderAt returns a Reader of a file from a place on that At or Log.Bytes has returned.
func NewReaderAt(f io.ReaderAt, id ID, at int64) *Reader { return &Reader{file: f, id: id, at: at} }

// At returns where the next record stands, or may come to stand.
func (r *Reader) At() int64 { return r.at }

// window is how much is read at a time.
const window = 256 << 10

// Next returns the next record, or nil if there is none yet. It is the caller's until the next call.
func (r *Reader) Next() ([]byte, error) {
	b, err := r.parse(r.at)
	if b == nil && err == nil {
		// What stands here may not be all there yet, or its writer has died over it, and others have come since.
		b, err = r.search()
	}
	if b == nil {
		r.buf = r.buf[:0] // the next time it may be another
	}
	return b, err
}

// parse returns the record at the given place, if there is a whole one, and goes behind it.
func (r *Reader) parse(at int64) (payload []byte, err error) {
	head, err := r.view(at, headSize)
	if err != nil || len(head) < headSize || string(head[:4]) != magic {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[4:])
	if n > MaxRecord || binary.LittleEndian.Uint64(head[sealAt:]) != r.id.seal(head, at) {
		return nil, nil
	}
	b, err := r.view(at, headSize+int(n))
	if err != nil || len(b) < headSize+int(n) || binary.LittleEndian.Uint64(b[8:]) != xxhash.Sum64(b[headSize:]) {
		return nil, err
	}
	r.at = at + int64(len(b))
	return b[headSize:], nil
}

// search returns the first record behind r.at, which stays if there is none.
func (r *Reader) search() ([]byte, error) {
	for at := r.at + 1; ; {
		b, err := r.view(at, headSize)
		if err != nil || len(b) < headSize {
			return nil, err
		}
		b = r.buf[at-r.base:]
		i := bytes.Index(b, []byte(magic))
		if i < 0 {
			at += int64(len(b) - len(magic) + 1)
			continue
		}
		at += int64(i)
		if payload, err := r.parse(at); payload != nil || err != nil {
			return payload, err
		}
		at++
	}
}

// view returns n bytes from at on, or fewer if the file ends.
func (r *Reader) view(at int64, n int) ([]byte, error) {
	if skip := at - r.base; skip >= 0 && skip+int64(n) <= int64(len(r.buf)) {
		return r.buf[skip : skip+int64(n)], nil
	}
	size := max(n, window)
	if cap(r.buf) < size {
		r.buf = make([]byte, size)
	}
	got, err := r.file.ReadAt(r.buf[:size], at)
	r.buf, r.base = r.buf[:got], at
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return r.buf[:min(n, got)], nil
}
