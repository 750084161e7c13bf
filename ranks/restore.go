package ranks

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"halorun/kernels"
	"halorun/ranks/ledger"
	"halorun/ranks/raster"
)

// shelf is what a member can see of the ledger.
type shelf struct {
	Writes string   // how the names of the segments begin that it writes itself
	Seen   []string // all segments on its host
	Loaded []string // those that it has read already
}

// restored is what a member has found in the segments that were its to read.
type restored struct {
	Stored  [][]kernels.Rows // by stage: tiles that it has now
	InPlace []placedEntry    // tiles that should stand in OUTPUT
	Inputs  []byte           // checksums of INPUT
}

// placedEntry is a tile in OUTPUT, and the member of this attempt that wrote it, or -1.
type placedEntry struct {
	ledger.Entry
	Member int
}

// loaded is a segment that this rank has read.
type loaded struct {
	*ledger.Segment
	member  int          // as in placedEntry
	checked map[int]bool // by entry: whether its rows are as they were written
}

// shelved is where rows of a stage's result are in the ledger.
type shelved struct {
	kernels.Rows
	in    loaded
	entry int
}

// look returns what this member can see of the ledger.
func (r *Rank) look() shelf {
	if r.book == nil {
		return shelf{}
	}
	s := shelf{Writes: r.book.name + "."}
	s.Seen, _ = ledger.Segments(r.book.Dir) // what cannot be read is not there
	for name := range r.ledgers {
		s.Loaded = append(s.Loaded, name)
	}
	return s
}

// takeLedger has every segment that lost members, or earlier attempts, have left read by one who sees it. It returns what was found beyond
// what members have, by member; nil if there is nothing.
func (r *Rank) takeLedger(ctx context.Context, claims []claim, have []rowSet) ([]restored, error) {
	mine, any := r.share(claims)
	if !any {
		return nil, nil
	}
	all, err := allgather(ctx, r.world, r.load(mine, have))
	if err != nil {
		return nil, fmt.Errorf("ask all ranks what is in the ledger: %w", err)
	}
	r.knowInput(all)
	return all, nil
}

// share returns the segments that are this member's to read, its own among them, and whether there are any at all. All members come to the same result.
func (r *Rank) share(claims []claim) (mine []string, any bool) {
	readers := make(map[string][]int)
	var names []string
	for m, c := range claims {
		for _, name := range slices.Concat(c.Seen, c.Loaded) {
			if readers[name] == nil {
				names = append(names, name)
			}
			readers[name] = append(readers[name], m)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		reader := readers[name][i%len(readers[name])]
		if has := slices.IndexFunc(claims, func(c claim) bool { return slices.Contains(c.Loaded, name) }); has >= 0 {
			reader = has
		}
		if writer := slices.IndexFunc(claims, func(c claim) bool { return c.wrote(name) }); writer >= 0 {
			reader = writer
		}
		any = true
		if reader == r.world.Rank() {
			mine = append(mine, name)
		}
	}
	return mine, any
}

// wrote tells whether a segment is the member's own.
func (s shelf) wrote(name string) bool { return s.Writes != "" && strings.HasPrefix(name, s.Writes) }

// load reads segments. What is in them of rows that members have, by stage, is of no interest.
func (r *Rank) load(names []string, have []rowSet) restored {
	defer r.meter.time(checkpoint)()
	stages := r.picture.stages
	last := len(stages) - 1
	found := restored{Stored: make([][]kernels.Rows, len(stages))}
	r.shelves = make([][]shelved, len(stages))
	for _, name := range names {
		l, ok := r.segment(name)
		if !ok {
			continue // what cannot be read is not there
		}
		for i, e := range l.Entries() {
			if e.Stage < 0 || e.Stage > last || e.Hi > stages[e.Stage].Out.Height || e.RowBytes != stages[e.Stage].Out.RowBytes() {
				continue
			}
			rows := kernels.Rows{Lo: e.Lo, Hi: e.Hi}
			if have[e.Stage].within(rows).len() == rows.Len() {
				continue
			}
			switch {
			case e.Stored && (e.Stage == last || stages[e.Stage].Global() != nil):
				if l.sound(i) {
					found.Stored[e.Stage] = append(found.Stored[e.Stage], rows)
					r.shelves[e.Stage] = append(r.shelves[e.Stage], shelved{rows, l, i})
				}
			case !e.Stored && e.Stage == last:
				found.InPlace = append(found.InPlace, placedEntry{e, l.member})
			}
		}
		for group, sum := range l.Inputs() {
			found.Inputs = binary.LittleEndian.AppendUint64(found.Inputs, uint64(group))
			found.Inputs = binary.LittleEndian.AppendUint64(found.Inputs, sum)
		}
	}
	for _, tiles := range r.shelves {
		slices.SortFunc(tiles, func(a, b shelved) int { return a.Lo - b.Lo })
	}
	return found
}

// segment returns a segment, which is read if that has not been done, or if it may have grown since.
func (r *Rank) segment(name string) (loaded, bool) {
	l, known := r.ledgers[name]
	if known && !strings.HasPrefix(name, r.book.name+".") {
		return l, true
	}
	s, err := ledger.Open(filepath.Join(r.book.Dir, name), r.book.ID)
	if err != nil {
		return l, false
	}
	if known {
		l.Close()
		l.Segment = s // with the same entries, and more
	} else {
		l = loaded{s, r.writerOf(name), make(map[int]bool)}
	}
	r.ledgers[name] = l
	return l, true
}

// sound tells whether the rows of a tile are as they were written, so that they can be promised to others.
func (l loaded) sound(i int) bool {
	sound, known := l.checked[i]
	if !known {
		e := l.Entries()[i]
		sound = l.Read(i, newRows(e.Hi-e.Lo, e.RowBytes)) == nil
		l.checked[i] = sound
	}
	return sound
}

// writerOf returns the member of this attempt that wrote a segment, or -1.
func (r *Rank) writerOf(name string) int {
	var member int
	if _, err := fmt.Sscanf(strings.TrimPrefix(name, r.book.Name), "-m%d.", &member); err != nil || !strings.HasPrefix(name, r.book.Name) {
		return -1
	}
	return member
}

// ErrNotRestored says that this rank has lost what it has promised to others. Another one in its place will not promise it.
var ErrNotRestored = errors.New("was in the ledger, and is damaged now")

// restored returns rows of a stage's result that this rank has in the ledger.
func (r *Rank) restored(stage int, want kernels.Rows) ([][]byte, error) {
	var tiles []shelved
	if stage < len(r.shelves) {
		tiles = r.shelves[stage]
	}
	end, _ := slices.BinarySearchFunc(tiles, want.Lo+1, func(t shelved, lo int) int { return t.Lo - lo })
	for _, t := range slices.Backward(tiles[:end]) {
		if t.Hi < want.Hi {
			continue
		}
		rows := newRows(t.Len(), r.picture.stages[stage].Out.RowBytes())
		if t.in.Read(t.entry, rows) != nil {
			continue // another one may be sound
		}
		r.meter.took(t.in.member)
		return rows[want.Lo-t.Lo : want.Hi-t.Lo], nil
	}
	return nil, fmt.Errorf("rows %v of stage %d: what %w", want, stage, ErrNotRestored)
}

// verify takes for written what is in place as the ledger has it, beyond what is done.
func (r *Rank) verify(all []restored, done rowSet) error {
	var todo []placedEntry
	for _, found := range all {
		for _, e := range found.InPlace {
			if rows := (kernels.Rows{Lo: e.Lo, Hi: e.Hi}); done.within(rows).len() < rows.Len() {
				todo = append(todo, e)
			}
		}
	}
	if len(todo) == 0 {
		return nil
	}
	defer r.meter.time(checkpoint)()
	f, err := r.job.Output.open(os.O_RDONLY)
	if err != nil {
		return &OutputError{r.job.Output.Name, err}
	}
	defer f.Close()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range todo {
		g.Go(func() error {
			rows := newRows(e.Hi-e.Lo, e.RowBytes)
			if r.picture.Output.ReadBack(f, e.Lo, rows) == nil && ledger.Sum(rows) == e.Sum {
				r.add(&r.written, kernels.Rows{Lo: e.Lo, Hi: e.Hi})
				r.meter.took(e.Member)
				r.meter.rows.Add(int64(e.Hi - e.Lo))
			}
			return nil // what does not match is not done
		})
	}
	return g.Wait()
}

// knowInput learns what INPUT was like when it was read before.
func (r *Rank) knowInput(all []restored) {
	for _, found := range all {
		for b := found.Inputs; len(b) >= 16; b = b[16:] {
			r.known[int64(binary.LittleEndian.Uint64(b))] = binary.LittleEndian.Uint64(b[8:])
		}
	}
}

// groupBytes is about how much of INPUT one checksum is of.
const groupBytes = 4 << 10

// readInput reads rows of INPUT, and makes sure that they are what they were when rows of them were read before.
func (r *Rank) readInput(y int, dst [][]byte) error {
	if err := r.source.ReadRows(y, dst); err != nil {
		return err
	}
	writing := !r.book.idle() && r.source.Direct()
	if len(r.known) == 0 && !writing {
		return nil
	}
	rowBytes := r.picture.stages[0].In.RowBytes()
	group := max(1, groupBytes/rowBytes)
	height := r.picture.stages[0].In.Height
	first := (y + group - 1) / group
	var sums []uint64
	for g := first; g*group < y+len(dst); g++ {
		end := min((g+1)*group, height)
		if end > y+len(dst) {
			break
		}
		sum := ledger.Sum(dst[g*group-y : end-y])
		if before, ok := r.known[int64(g)]; ok && before != sum {
			return &raster.InputError{Name: r.job.Input.Name, Err: fmt.Errorf("%w: rows %d to %d are others", ErrInputChanged, g*group, end-1)}
		}
		sums = append(sums, sum)
	}
	if writing && len(sums) > 0 {
		r.book.put(func(w *ledger.Writer) error { return w.AddInput(int64(first), sums) })
	}
	return nil
}

// ErrInputChanged is the cause of an error when INPUT is not what it was when the job was begun.
var ErrInputChanged = errors.New("it has changed since the job was begun; run it anew, without --resume")
