package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

var job = JobID{1, 2, 3}

// tile is what was added, or found.
type tile struct {
	Entry
	rows []byte // nil in place
}

func (a tile) equal(b tile) bool { return a.Entry == b.Entry && bytes.Equal(a.rows, b.rows) }

// rowsOf divides b into rows of n bytes.
func rowsOf(b []byte, n int) [][]byte { return slices.Collect(slices.Chunk(b, n)) }

// newTile makes a stored tile of rows that compress, or do not.
func newTile(stage, lo, n, rowBytes int, random bool) tile {
	r := rand.New(rand.NewPCG(uint64(stage), uint64(lo)))
	b := make([]byte, n*rowBytes)
	for i := range b {
		if random || i%23 == 0 {
			b[i] = byte(r.Uint32())
		}
	}
	return tile{Entry{stage, lo, lo + n, rowBytes, xxhash.Sum64(b), true}, b}
}

func (a tile) add(t rapid.TB, w *Writer) {
	t.Helper()
	e, rows := a.Entry, [][]byte(nil)
	if a.Stored {
		e.Sum, e.Stored, rows = 0, false, rowsOf(a.rows, a.RowBytes)
	}
	if err := w.Add(e, rows); err != nil {
		t.Fatal(err)
	}
}

func create(t rapid.TB, dir, name string, o Options) *Writer {
	t.Helper()
	w, err := Create(dir, name, job, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// found opens a segment and reads all of it. A tile that cannot be read because it is damaged counts for damaged.
func found(t rapid.TB, path string, id JobID) (tiles []tile, inputs map[int64]uint64, damaged int) {
	t.Helper()
	s, err := Open(path, id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, e := range s.Entries() {
		if !e.Stored {
			tiles = append(tiles, tile{Entry: e})
			continue
		}
		b := bytes.Repeat([]byte{0xa5}, e.size())
		if err := s.Read(i, rowsOf(b, e.RowBytes)); errors.Is(err, ErrDamaged) {
			if len(bytes.Trim(b, "\xa5")) > 0 {
				t.Fatalf("%v: rows were changed", err)
			}
			damaged++
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		tiles = append(tiles, tile{e, b})
	}
	return tiles, s.Inputs(), damaged
}

func segments(t rapid.TB, dir string) []string {
	t.Helper()
	names, err := Segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names
}

// foundAll is found for all segments of a folder.
func foundAll(t rapid.TB, dir string) ([]tile, map[int64]uint64) {
	t.Helper()
	var all []tile
	inputs := map[int64]uint64{}
	for _, path := range segments(t, dir) {
		tiles, in, damaged := found(t, path, job)
		if damaged > 0 {
			t.Fatalf("%s: %d tiles are damaged", path, damaged)
		}
		all = append(all, tiles...)
		maps.Copy(inputs, in)
	}
	return all, inputs
}

// sample writes one segment of all kinds of records, and returns its content.
func sample(t rapid.TB, dir string) (content []byte, tiles []tile, inputs map[int64]uint64) {
	t.Helper()
	tiles = []tile{
		{Entry: Entry{0, 0, 7, 13, 99, false}},
		newTile(1, 0, 3, 50, false),
		newTile(1, 3, 2, 31, true),
		newTile(2, 5, 1, 1, true),
		{Entry: Entry{3, 7, 8, 1 << 20, 0, false}},
	}
	w := create(t, dir, "sample", Options{})
	defer w.Close()
	for i, a := range tiles {
		if i == 2 {
			if err := w.AddInput(5, []uint64{4, 3}); err != nil {
				t.Fatal(err)
			}
		}
		a.add(t, w)
	}
	content, err := os.ReadFile(filepath.Join(dir, "sample.0001.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return content, tiles, map[int64]uint64{5: 4, 6: 3}
}

func put(t rapid.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What was added is found, in its order, before the Writer is closed.
func TestWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		dir = filepath.Join(dir, "new", "folder")
		w := create(rt, dir, "rank 3", Options{SegmentBytes: rapid.Int64Range(0, 5000).Draw(rt, "segment")})
		defer w.Close()
		var want []tile
		wantInputs := map[int64]uint64{}
		for range rapid.IntRange(0, 30).Draw(rt, "records") {
			stage, lo := rapid.IntRange(0, math.MaxInt).Draw(rt, "stage"), rapid.IntRange(0, math.MaxInt-100).Draw(rt, "lo")
			n, rowBytes := rapid.IntRange(1, 100).Draw(rt, "rows"), rapid.IntRange(1, 300).Draw(rt, "rowBytes")
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0:
				want = append(want, tile{Entry: Entry{stage, lo, lo + n, rowBytes, rapid.Uint64().Draw(rt, "sum"), false}})
				want[len(want)-1].add(rt, w)
			case 1:
				sums := rapid.SliceOfN(rapid.Uint64(), 0, 20).Draw(rt, "sums")
				group := rapid.Int64Range(0, math.MaxInt64-20).Draw(rt, "group")
				if err := w.AddInput(group, sums); err != nil {
					rt.Fatal(err)
				}
				for i, s := range sums {
					wantInputs[group+int64(i)] = s
				}
			case 2:
				if err := w.Sync(); err != nil {
					rt.Fatal(err)
				}
			default:
				want = append(want, newTile(stage, lo, n, rowBytes, rapid.Bool().Draw(rt, "random")))
				want[len(want)-1].add(rt, w)
			}
		}
		got, inputs := foundAll(rt, dir)
		if !slices.EqualFunc(got, want, tile.equal) || !maps.Equal(inputs, wantInputs) {
			rt.Fatalf("%v, %v\nnot %v, %v", got, inputs, want, wantInputs)
		}
		size := int64(0)
		for _, path := range segments(rt, dir) {
			st, err := os.Stat(path)
			if err != nil {
				rt.Fatal(err)
			}
			size += st.Size()
		}
		if size != w.Bytes() {
			rt.Fatalf("%d bytes, %d are counted", size, w.Bytes())
		}
	})
}

// More checksums than a record holds.
func TestManyInputs(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, "w", Options{})
	defer w.Close()
	sums := make([]uint64, 2*maxSums+1)
	for i := range sums {
		sums[i] = rand.Uint64()
	}
	if err := w.AddInput(7, sums); err != nil {
		t.Fatal(err)
	}
	_, got := foundAll(t, dir)
	if len(got) != len(sums) {
		t.Fatal(len(got))
	}
	for i, s := range sums {
		if got[7+int64(i)] != s {
			t.Fatal(i)
		}
	}
}

// A segment cut at any length holds the first records, whole.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	content, tiles, _ := sample(t, dir)
	path := filepath.Join(dir, "cut")
	last := 0
	for n := range len(content) + 1 {
		put(t, path, content[:n])
		got, inputs, damaged := found(t, path, job)
		if damaged > 0 || len(got) < last || len(got) > len(tiles) || !slices.EqualFunc(got, tiles[:len(got)], tile.equal) {
			t.Fatalf("%d bytes: %v", n, got)
		}
		if len(inputs) != 0 && len(inputs) != 2 || len(got) > 2 && len(inputs) == 0 {
			t.Fatalf("%d bytes: %v", n, inputs)
		}
		last = len(got)
	}
	if last != len(tiles) {
		t.Fatal(last)
	}
}

// A bit that flips takes one record at most, and makes none.
func TestFlippedBits(t *testing.T) {
	dir := t.TempDir()
	content, tiles, wantInputs := sample(t, dir)
	path := filepath.Join(dir, "flipped")
	for bit := range 8 * len(content) {
		content[bit/8] ^= 1 << (bit % 8)
		put(t, path, content)
		content[bit/8] ^= 1 << (bit % 8)
		got, inputs, damaged := found(t, path, job)
		if !subset(got, tiles) || len(inputs) > 0 && !maps.Equal(inputs, wantInputs) {
			t.Fatalf("bit %d: %v, %v", bit, got, inputs)
		}
		lost := len(tiles) - len(got)
		if len(inputs) == 0 {
			lost++
		}
		want := 1
		if bit/8 < headerSize {
			want = 0
		}
		if lost != want || damaged > lost {
			t.Fatalf("bit %d: %d records are lost, %d tiles damaged", bit, lost, damaged)
		}
	}
}

// subset tells whether got is some of want, in the same order.
func subset(got, want []tile) bool {
	for _, g := range got {
		i := slices.IndexFunc(want, g.equal)
		if i < 0 {
			return false
		}
		want = want[i+1:]
	}
	return true
}

// Whatever overwrites parts of a segment, what is found was added, and what was not touched is found.
func TestOverwritten(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, "w", Options{})
	defer w.Close()
	var tiles []tile
	var ends []int64
	for i := range 40 {
		a := newTile(i, 10*i, 1+i%5, 1+i*i*5, i%2 == 0)
		if i%3 == 0 {
			a.Stored, a.rows = false, nil
		}
		a.add(t, w)
		tiles, ends = append(tiles, a), append(ends, w.Bytes())
	}
	whole, err := os.ReadFile(segments(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overwritten")
	rapid.Check(t, func(rt *rapid.T) {
		content := bytes.Clone(whole)
		touched := make([]bool, len(tiles))
		for range rapid.IntRange(1, 4).Draw(rt, "times") {
			from := rapid.IntRange(0, len(content)-1).Draw(rt, "from")
			to := min(from+rapid.IntRange(1, 3000).Draw(rt, "length"), len(content))
			if rapid.Bool().Draw(rt, "own") {
				copy(content[from:to], whole[rapid.IntRange(0, len(whole)-1).Draw(rt, "other"):])
			} else {
				clear(content[from:to])
			}
			for i := range tiles {
				begin := int64(headerSize)
				if i > 0 {
					begin = ends[i-1]
				}
				touched[i] = touched[i] || int64(from) < ends[i] && begin < int64(to)
			}
		}
		put(rt, path, content)
		got, _, _ := found(rt, path, job)
		if !subset(got, tiles) {
			rt.Fatal(got)
		}
		for i, a := range tiles {
			if !touched[i] && !slices.ContainsFunc(got, a.equal) {
				rt.Fatalf("%v is lost", a.Entry)
			}
		}
	})
}

// A record is found behind any amount of garbage, wherever the windows of the search end.
func TestSearch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "garbage")
	want := Entry{1, 2, 3, 4, 5, false}
	garbage := bytes.Repeat(append([]byte(recordMagic[:3]+recordMagic), make([]byte, 500)...), 300)
	for _, end := range []int{0, walkWindow, walkWindow + searchWindow} { // where views end, about
		for n := max(end-3*recordSize, 0); n < end+recordSize; n++ {
			content := append(header(job), garbage[len(garbage)-n:]...)
			b := make([]byte, recordSize)
			recordOf(want, kindInPlace).put(b)
			sealAt(b, len(content))
			put(t, path, slices.Concat(content, b, []byte("tail")))
			if got, _, _ := found(t, path, job); len(got) != 1 || got[0].Entry != want {
				t.Fatalf("behind %d bytes: %v", n, got)
			}
		}
	}
}

func sealAt(b []byte, at int) {
	seal := newSealer(job).seal(b, int64(at))
	for i := range 8 {
		b[recordSealAt+i] = byte(seal >> (8 * i))
	}
}

// A segment of another job, or of another version, counts for nothing.
func TestAnotherJob(t *testing.T) {
	dir := t.TempDir()
	content, _, _ := sample(t, dir)
	path := filepath.Join(dir, "other")
	for name, c := range map[string]struct {
		job    JobID
		change func(b []byte)
	}{
		"whole":              {JobID{9}, func([]byte) {}},
		"under our header":   {JobID{9}, func(b []byte) { copy(b, header(JobID{9})) }},
		"damaged header":     {JobID{9}, func(b []byte) { b[50] ^= 1 }},
		"under their header": {job, func(b []byte) { copy(b, header(JobID{9})) }},
	} {
		b := bytes.Clone(content)
		c.change(b)
		put(t, path, b)
		if got, inputs, damaged := found(t, path, c.job); len(got)+len(inputs)+damaged > 0 {
			t.Errorf("%s: %v, %v", name, got, inputs)
		}
	}
}

// A copy of records elsewhere counts for nothing.
func TestCopiedRecords(t *testing.T) {
	dir := t.TempDir()
	content, tiles, inputs := sample(t, dir)
	path := filepath.Join(dir, "copy")
	for name, c := range map[string]struct {
		content []byte
		want    []tile
	}{
		"twice":            {slices.Concat(content, content), tiles},
		"records twice":    {slices.Concat(content, content[headerSize:]), tiles},
		"without a header": {content[headerSize:], nil},
		"moved by a byte":  {slices.Concat(content[:headerSize], []byte{0}, content[headerSize:]), nil},
		"without a record": {slices.Concat(content[:headerSize], content[headerSize+recordSize:]), nil},
	} {
		put(t, path, c.content)
		got, in, damaged := found(t, path, job)
		if damaged > 0 || !slices.EqualFunc(got, c.want, tile.equal) || len(in) > 0 && (c.want == nil || !maps.Equal(in, inputs)) {
			t.Errorf("%s: %v, %v", name, got, in)
		}
	}
}

// Rows that are records pass for rows only, even where their own record is damaged.
func TestRowsThatAreRecords(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rows")
	rows, _, _ := sample(t, dir)
	a := tile{Entry{4, 0, 1, len(rows), xxhash.Sum64(rows), true}, rows}
	b := append(make([]byte, recordSize), rows...)
	recordOf(a.Entry, kindPlain).put(b)
	sealAt(b, headerSize)
	b = append(header(job), b...)
	put(t, path, b)
	if got, inputs, _ := found(t, path, job); len(got) != 1 || !got[0].equal(a) || len(inputs) > 0 {
		t.Fatal(got, inputs)
	}
	b[headerSize+9] ^= 1
	put(t, path, b)
	if got, inputs, damaged := found(t, path, job); len(got)+len(inputs)+damaged > 0 {
		t.Error(got, inputs)
	}
}

// Rows are held to the sum of their entry, and packed ones to its size.
func TestOtherRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	plain := make([]byte, 1000)
	packed := s2.Encode(nil, plain)
	e := Entry{0, 0, 10, 100, xxhash.Sum64(plain), true}
	short, long, other := e, e, e
	short.Hi, long.Hi = 9, 11
	other.Sum++
	for name, c := range map[string]struct {
		entry   Entry
		kind    kind
		payload []byte
		damaged int
	}{
		"plain":        {e, kindPlain, plain, 0},
		"packed":       {e, kindPacked, packed, 0},
		"other sum":    {other, kindPlain, plain, 1},
		"packed other": {other, kindPacked, packed, 1},
		"too long":     {short, kindPacked, packed, 1},
		"too short":    {long, kindPacked, packed, 1},
		"not packed":   {e, kindPacked, plain[:999], 1},
	} {
		b := append(make([]byte, recordSize), c.payload...)
		recordOf(c.entry, c.kind).put(b)
		sealAt(b, headerSize)
		put(t, path, append(header(job), b...))
		if got, _, damaged := found(t, path, job); len(got) != 1-c.damaged || damaged != c.damaged {
			t.Errorf("%s: %d are found, %d damaged", name, len(got), damaged)
		}
	}
}

// A file that becomes shorter after it was opened is damaged.
func TestCutAfterOpen(t *testing.T) {
	dir := t.TempDir()
	content, tiles, _ := sample(t, dir)
	path := filepath.Join(dir, "sample.0001.seg")
	s, err := Open(path, job)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, path, content[:headerSize])
	a := tiles[1]
	if err := s.Read(1, rowsOf(make([]byte, len(a.rows)), a.RowBytes)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// Read says what it cannot do.
func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	_, tiles, _ := sample(t, dir)
	s, err := Open(filepath.Join(dir, "sample.0001.seg"), job)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := tiles[1]
	for name, err := range map[string]error{
		"in place":   s.Read(0, rowsOf(make([]byte, 7*13), 13)),
		"too few":    s.Read(1, rowsOf(make([]byte, len(a.rows)), a.RowBytes)[1:]),
		"other rows": s.Read(1, rowsOf(make([]byte, 3*(a.RowBytes-1)), a.RowBytes-1)),
	} {
		if err == nil || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is no tile is refused, and does no harm.
func TestAddRefuses(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, "w", Options{})
	defer w.Close()
	for _, e := range []Entry{
		{},
		{Stage: -1, Hi: 1, RowBytes: 1},
		{Lo: -1, Hi: 1, RowBytes: 1},
		{Lo: 2, Hi: 2, RowBytes: 1},
		{Lo: 3, Hi: 2, RowBytes: 1},
		{Hi: 1, RowBytes: -1},
		{Hi: 1, RowBytes: maxRows + 1},
		{Hi: 2, RowBytes: maxRows/2 + 1},
		{Hi: math.MaxInt, RowBytes: math.MaxInt},
	} {
		if err := w.Add(e, nil); err == nil {
			t.Errorf("%+v is added", e)
		}
	}
	e := Entry{Hi: 2, RowBytes: 3}
	for _, rows := range [][][]byte{{}, {{1, 2, 3}}, {{1, 2, 3}, {4, 5}}} {
		if err := w.Add(e, rows); err == nil {
			t.Errorf("%v is added", rows)
		}
	}
	for _, group := range []int64{-1, math.MaxInt64} {
		if err := w.AddInput(group, []uint64{1}); err == nil {
			t.Errorf("group %d is added", group)
		}
	}
	if names := segments(t, dir); len(names) > 0 || w.Bytes() > 0 {
		t.Error(names, w.Bytes())
	}
	largest := tile{Entry: Entry{Hi: maxRows, RowBytes: 1}}
	largest.add(t, w)
	if got, _ := foundAll(t, dir); len(got) != 1 || !got[0].equal(largest) {
		t.Error(got)
	}
}

// Segments end where they should, however many there are, and what is too long for any has one of its own.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	const most = 400
	w := create(t, dir, "w", Options{SegmentBytes: most})
	var want []tile
	for i := range 200 {
		a := tile{Entry: Entry{i, 0, 1, 1, 0, false}}
		if i%20 == 7 {
			a = newTile(i, 0, 1, 1000, true)
		}
		a.add(t, w)
		want = append(want, a)
		if len(w.full) > maxFull {
			t.Fatalf("%d files are open", len(w.full))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := foundAll(t, dir); !slices.EqualFunc(got, want, tile.equal) {
		t.Error(got)
	}
	names := segments(t, dir)
	if len(names) < 2*maxFull || !slices.IsSorted(names) || filepath.Base(names[0]) != "w.0001.seg" {
		t.Error(names)
	}
	for _, path := range names {
		tiles, _, _ := found(t, path, job)
		st, err := os.Stat(path)
		if err != nil || len(tiles) == 0 || st.Size() > most && len(tiles) != 1 {
			t.Errorf("%s: %v, %v", path, tiles, err)
		}
	}
}

// Adds and Syncs from everywhere lose nothing.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, "w", Options{SegmentBytes: 10_000})
	var wg sync.WaitGroup
	var want []tile
	for g := range 8 {
		var tiles []tile
		for i := range 40 {
			tiles = append(tiles, newTile(g, 100*i, 1+i%3, 100+i, i%2 == 0))
		}
		want = append(want, tiles...)
		wg.Go(func() {
			for i, a := range tiles {
				if err := w.Add(a.Entry, rowsOf(a.rows, a.RowBytes)); err != nil {
					t.Error(err)
				}
				if err := w.AddInput(int64(100*g+i), []uint64{uint64(i)}); err != nil {
					t.Error(err)
				}
				if i%3 != 0 {
					continue
				}
				if err := w.Sync(); err != nil {
					t.Error(err)
				}
				w.Bytes()
			}
		})
	}
	wg.Wait()
	if err := w.Sync(); err != nil {
		t.Error(err)
	}
	if w.synced != w.bytes || len(w.full)+len(w.folders) > 0 {
		t.Errorf("%d bytes of %d are synced, not %d files and %v", w.synced, w.bytes, len(w.full), w.folders)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	got, inputs := foundAll(t, dir)
	slices.SortFunc(got, func(a, b tile) int { return (a.Stage-b.Stage)*1_000_000 + a.Lo - b.Lo })
	if !slices.EqualFunc(got, want, tile.equal) || len(inputs) != 8*40 {
		t.Errorf("%d tiles of %d, %d inputs", len(got), len(want), len(inputs))
	}
}

// Reads do not disturb each other.
func TestConcurrentReads(t *testing.T) {
	dir := t.TempDir()
	_, tiles, _ := sample(t, dir)
	s, err := Open(filepath.Join(dir, "sample.0001.seg"), job)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 100 {
				a := tiles[1+g%3]
				b := make([]byte, len(a.rows))
				if err := s.Read(1+g%3, rowsOf(b, a.RowBytes)); err != nil || !bytes.Equal(a.rows, b) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A Sync while the Writer is closed returns, and one afterwards is an error.
func TestClosed(t *testing.T) {
	for range 20 {
		w := create(t, t.TempDir(), "w", Options{})
		newTile(0, 0, 1, 100, true).add(t, w)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := w.Sync(); err != nil && !errors.Is(err, fs.ErrClosed) {
					t.Error(err)
				}
			})
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for _, err := range []error{w.Sync(), w.Add(Entry{Hi: 1, RowBytes: 1}, nil), w.AddInput(0, []uint64{1})} {
			if !errors.Is(err, fs.ErrClosed) {
				t.Error(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// After an error the segment ends with the last whole record, and the Writer goes on with nothing.
func TestWriteFault(t *testing.T) {
	for _, at := range []int{1, 2, 3, 5} { // the first write is of the header
		dir := t.TempDir()
		path := filepath.Join(dir, "w.0001.seg")
		writes := 0
		w := create(t, dir, "w", Options{WriteFault: func() error {
			if writes++; writes != at {
				return nil
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString("half a rec"); err != nil {
				t.Fatal(err)
			}
			return unix.ENOSPC
		}})
		defer w.Close()
		var want []tile
		for i := range 6 {
			a := newTile(i, 0, 1, 100, true)
			err := w.Add(a.Entry, rowsOf(a.rows, a.RowBytes))
			if (err == nil) != (i+2 < at) || err != nil && !errors.Is(err, unix.ENOSPC) {
				t.Errorf("fault %d, tile %d: %v", at, i, err)
			}
			if err == nil {
				want = append(want, a)
			}
		}
		for _, err := range []error{w.AddInput(0, []uint64{1}), w.Sync(), w.Add(Entry{Hi: 1, RowBytes: 1}, nil)} {
			if !errors.Is(err, unix.ENOSPC) {
				t.Errorf("fault %d: %v", at, err)
			}
		}
		if got, _ := foundAll(t, dir); writes != at || !slices.EqualFunc(got, want, tile.equal) {
			t.Errorf("fault %d: %v", at, got)
		}
		if st, err := os.Stat(path); err != nil || st.Size() != w.Bytes() {
			t.Errorf("fault %d: %v, %v", at, st.Size(), err)
		}
	}
}

// A write that the kernel cuts short leaves nothing behind.
func TestShortWrite(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	limitFiles(t, 1000)
	dir := t.TempDir()
	w := create(t, dir, "w", Options{})
	defer w.Close()
	a, b := newTile(0, 0, 1, 500, true), newTile(1, 0, 1, 500, true)
	a.add(t, w)
	if err := w.Add(b.Entry, rowsOf(b.rows, 500)); !errors.Is(err, unix.EFBIG) {
		t.Error(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "w.0001.seg")); err != nil || st.Size() != w.Bytes() {
		t.Errorf("%d bytes of %d, %v", st.Size(), w.Bytes(), err)
	}
	if got, _ := foundAll(t, dir); len(got) != 1 || !got[0].equal(a) {
		t.Error(got)
	}
}

// A Writer does not touch files that are there.
func TestNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	w := create(t, dir, "w", Options{})
	defer w.Close()
	newTile(0, 0, 1, 1, true).add(t, w)
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Error(st.Mode(), err)
	}
	again := create(t, dir, "w", Options{})
	defer again.Close()
	if err := again.Add(Entry{Hi: 1, RowBytes: 1}, nil); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	other := create(t, dir, "v", Options{})
	defer other.Close()
	newTile(0, 0, 1, 1, true).add(t, other)
	put(t, filepath.Join(dir, "notes"), nil)
	if err := os.Mkdir(filepath.Join(dir, "a.seg"), 0o700); err != nil {
		t.Fatal(err)
	}
	if names, err := Segments(dir); err != nil || fmt.Sprint(names) != "[v.0001.seg w.0001.seg]" {
		t.Error(names, err)
	}
	if names, err := Segments(filepath.Join(dir, "none")); err != nil || names != nil {
		t.Error(names, err)
	}
	for _, name := range []string{"", "a/b", "../a", "a/"} {
		if _, err := Create(dir, name, job, Options{}); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

// Only a file that cannot be read at all is an error.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, fifo, filepath.Join(dir, "none"), os.DevNull} {
		if s, err := Open(path, job); err == nil {
			s.Close()
			t.Errorf("%s is opened", path)
		}
	}
}

// Sum does not know where rows end.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newTile(1, 1, rapid.IntRange(1, 50).Draw(t, "rows"), rapid.IntRange(1, 400).Draw(t, "rowBytes"), true).rows
		n := rapid.IntRange(1, len(b)).Draw(t, "n")
		if Sum(rowsOf(b, n)) != xxhash.Sum64(b) {
			t.Fatalf("%d bytes, %d a row", len(b), n)
		}
	})
}
