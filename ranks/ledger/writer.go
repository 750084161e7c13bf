package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
	"golang.org/x/sys/unix"
)

// Options of a Writer.
type Options struct {
	SegmentBytes int64 // a record that would end beyond begins a new segment; 0 is 64 MiB

	// For tests, or nil:
	WriteFault func() error         // is asked before each write for an error in its stead
	Damage     func(stage int) bool // tells whether the record of a tile of that stage is to be damaged on its way to the disk
}

const (
	defaultSegment = 64 << 20
	// maxFull bounds the files held open for a Sync that nobody may call.
	maxFull = 16
)

// Writer appends to the ledger what one process has finished. It is safe for concurrent use. After an error of the file it returns
// that error for ever: what was added before counts.
type Writer struct {
	dir, name string
	id        JobID
	sealed    sealer
	options   Options
	buffers   buffers

	mu      sync.Mutex
	err     error      // ends all writing
	file    *os.File   // the segment that grows; nil before the first record
	at      int64      // its size
	number  int        // of segments begun
	bytes   int64      // of all segments
	full    []*os.File // segments before, not synced
	folders []string   // with new names, not synced

	synced  int64      // of bytes
	syncing bool       // somebody does, without holding mu
	turn    *sync.Cond // syncing ends
}

// Create makes a Writer of segments NAME.0001.seg and so on, in the folder dir, which it makes if need be. The files come with the
// first record. No other Writer may have had the name.
func Create(dir, name string, id JobID, options Options) (*Writer, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("%q is no name of a segment", name)
	}
	w := &Writer{dir: dir, name: name, id: id, sealed: newSealer(id), options: options}
	w.turn = sync.NewCond(&w.mu)
	if w.options.SegmentBytes == 0 {
		w.options.SegmentBytes = defaultSegment
	}
	w.folders = []string{filepath.Dir(filepath.Clean(dir))} // it may be as new, whoever made it
	for at := filepath.Clean(dir); missing(at) && at != filepath.Dir(at); at = filepath.Dir(at) {
		w.folders = append(w.folders, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return w, nil
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Add records a finished tile. If rows is nil they are in place, and e.Sum is theirs. Else the ledger stores the rows, and computes
// their sum. When it returns nil the record survives the end of the process.
func (w *Writer) Add(e Entry, rows [][]byte) error {
	if err := w.add(e, rows); err != nil {
		return fmt.Errorf("record %s: %w", e.name(), err)
	}
	return nil
}

func (w *Writer) add(e Entry, rows [][]byte) error {
	if err := e.check(); err != nil {
		return err
	}
	if rows == nil {
		b := make([]byte, recordSize)
		recordOf(e, kindInPlace).put(b)
		return w.append(b, w.damaged(e))
	}
	if err := e.holds(rows); err != nil {
		return err
	}
	if err := w.failed(); err != nil {
		return err // before the work
	}
	size := e.size()
	plain := w.buffers.borrow(recordSize + size)
	defer w.buffers.giveBack(plain)
	at := recordSize
	for _, r := range rows {
		at += copy((*plain)[at:], r)
	}
	e.Sum = xxhash.Sum64((*plain)[recordSize:])
	packed := w.buffers.borrow(recordSize + s2.MaxEncodedLen(size))
	defer w.buffers.giveBack(packed)
	n := len(s2.Encode((*packed)[recordSize:], (*plain)[recordSize:]))
	b, k := *plain, kindPlain
	if n < size {
		b, k = (*packed)[:recordSize+n], kindPacked
	}
	recordOf(e, k).put(b)
	return w.append(b, w.damaged(e))
}

func (w *Writer) damaged(e Entry) bool { return w.options.Damage != nil && w.options.Damage(e.Stage) }

// AddInput records the checksums of consecutive groups of rows of INPUT as they were read, the first of which is group.
func (w *Writer) AddInput(group int64, sums []uint64) error {
	if group < 0 || group > math.MaxInt64-int64(len(sums)) {
		return fmt.Errorf("record INPUT: there is no group %d", group)
	}
	for len(sums) > 0 {
		n := min(len(sums), maxSums)
		b := make([]byte, recordSize, recordSize+8*n)
		for _, s := range sums[:n] {
			b = binary.LittleEndian.AppendUint64(b, s)
		}
		record{kind: kindInput, lo: uint64(group), hi: uint64(group) + uint64(n)}.put(b)
		if err := w.append(b, false); err != nil {
			return fmt.Errorf("record INPUT: %w", err)
		}
		group, sums = group+int64(n), sums[n:]
	}
	return nil
}

// append seals a record with its payload and writes it.
func (w *Writer) append(b []byte, damaged bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.place(int64(len(b)))
	}
	if w.err == nil {
		binary.LittleEndian.PutUint64(b[recordSealAt:], w.sealed.seal(b, w.at))
		if damaged {
			b[len(b)-1] ^= 1
		}
		w.err = w.write(b)
	}
	return w.err
}

// place begins a new segment if there is none or n bytes would take it beyond its end.
func (w *Writer) place(n int64) error {
	for w.file == nil || w.at > headerSize && n > w.options.SegmentBytes-w.at {
		if len(w.full) < maxFull {
			return w.begin()
		}
		// Others go on meanwhile, and may begin the segment, or fail.
		if err := w.sync(w.bytes); err != nil {
			return err
		}
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

func (w *Writer) begin() error {
	path := filepath.Join(w.dir, fmt.Sprintf("%s.%04d%s", w.name, w.number+1, suffix))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if w.file != nil {
		w.full = append(w.full, w.file)
	}
	w.folders = append(w.folders, w.dir)
	w.file, w.at = f, 0
	w.number++
	return w.write(header(w.id))
}

// write appends b, or nothing.
func (w *Writer) write(b []byte) error {
	var err error
	if w.options.WriteFault != nil {
		err = w.options.WriteFault()
	}
	if err == nil {
		_, err = w.file.WriteAt(b, w.at)
	}
	if err != nil {
		_ = w.file.Truncate(w.at) // else a reader leaves it out
		return err
	}
	w.at += int64(len(b))
	w.bytes += int64(len(b))
	return nil
}

func (w *Writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Sync makes what was added before it outlast the host's crash. Who calls it while it runs shares the next run with all others.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return fmt.Errorf("sync the ledger: %w", w.err)
	}
	if err := w.sync(w.bytes); err != nil {
		return fmt.Errorf("sync the ledger: %w", err)
	}
	return nil
}

// sync returns when the first want bytes are durable. It lets go of mu meanwhile.
func (w *Writer) sync(want int64) error {
	for w.synced < want {
		if w.err != nil {
			return w.err
		}
		if w.syncing {
			w.turn.Wait()
			continue
		}
		w.syncing = true
		last, full, folders, upTo := w.file, w.full, w.folders, w.bytes
		w.full, w.folders = nil, nil
		w.mu.Unlock()
		err := syncAll(last, full, folders)
		w.mu.Lock()
		w.syncing = false
		w.turn.Broadcast()
		if err != nil {
			// The kernel may have dropped what it could not write, and not say so again.
			w.err = cmp.Or(w.err, err)
			return err
		}
		w.synced = upTo
	}
	return nil
}

// syncAll syncs the last segment, the full ones, which it closes, and folders.
func syncAll(last *os.File, full []*os.File, folders []string) error {
	var errs []error
	for _, f := range full {
		errs = append(errs, datasync(f), f.Close())
	}
	errs = append(errs, datasync(last))
	slices.Sort(folders)
	for _, dir := range slices.Compact(folders) {
		f, err := os.Open(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		err = f.Sync()
		if errors.Is(err, unix.EINVAL) {
			err = nil // some network file systems cannot
		}
		errs = append(errs, err, f.Close())
	}
	return errors.Join(errs...)
}

func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
		}
		return nil
	}
}

// Close closes the files. It does not sync.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = cmp.Or(w.err, fs.ErrClosed)
	for w.syncing {
		w.turn.Wait()
	}
	files := w.full
	if w.file != nil {
		files = append(files, w.file)
	}
	w.full, w.file = nil, nil
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Bytes returns what was written so far.
func (w *Writer) Bytes() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}
