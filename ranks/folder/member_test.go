package folder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
	"halorun/ranks"
	"halorun/ranks/folder"
	"halorun/ranks/journal"
	"halorun/ranks/raster"
)

// picture writes a PPM or PGM of blobs and noise.
func picture(t testing.TB, path string, width, height, channels int, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	pix := make([]byte, width*height*channels)
	for i := range pix {
		x, y := i/channels%width, i/channels/width
		pix[i] = byte(min(255, (x*x/7+y*y/5+(x^y)*3)%256/2+rng.IntN(40)))
	}
	header := fmt.Sprintf("P%d\n%d %d\n255\n", map[int]int{1: 5, 3: 6}[channels], width, height)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte(header), pix...), 0o666); err != nil {
		t.Fatal(err)
	}
}

var key = []byte("a key for all ranks of the test.")

// alone runs a job about one picture on one rank, and returns its output.
func alone(t testing.TB, in, format string, ops []string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	job := ranks.Job{
		Input: ranks.File{Name: in, Path: in}, Output: ranks.File{Name: out, Path: out}, Ops: ops, Format: format, Quality: 90, Read: raster.Options{MaxPixels: 1 << 30},
	}
	commtest.Run(t, 1, commtest.Options{Memory: true}, func(ctx context.Context, w *comm.World) error {
		_, err := ranks.Run(ctx, w, key, job, time.Now())
		return err
	})
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// photos is a folder of pictures, and what becomes of each.
type photos struct {
	dir   string
	ops   []string
	wants map[string][]byte // by the output's name
	fails []string          // inputs' names

	poison map[string]int64 // pixels of pictures that end whoever computes them, by base name
}

// poisoned returns the same folder, in which pictures are poison.
func (p *photos) poisoned(pixels map[string]int64) *photos {
	other := *p
	other.wants, other.fails, other.poison = maps.Clone(p.wants), slices.Clone(p.fails), make(map[string]int64)
	for name, n := range pixels {
		delete(other.wants, name)
		other.fails = append(other.fails, name)
		other.poison[filepath.Base(name)] = n
	}
	slices.Sort(other.fails)
	return &other
}

// newPhotos makes pictures of many sizes and kinds; two of them are bad.
func newPhotos(t testing.TB, ops ...string) *photos {
	p := &photos{dir: t.TempDir(), ops: ops, wants: make(map[string][]byte)}
	for i, s := range []struct{ w, h, c int }{{67, 90, 3}, {64, 5, 3}, {1, 130, 1}, {131, 1, 3}, {40, 71, 1}, {300, 200, 3}, {9, 9, 3}, {33, 20, 3}, {2, 2, 3}} {
		name := fmt.Sprintf("%s%c.%s", []string{"", "sub/", "sub/deep er/"}[i%3], 'a'+i, map[int]string{1: "pgm", 3: "ppm"}[s.c])
		in := filepath.Join(p.dir, name)
		picture(t, in, s.w, s.h, s.c, uint64(i))
		format := map[int]string{1: "pgm", 3: "ppm"}[s.c]
		p.wants[name] = alone(t, in, format, ops)
		if i%2 == 0 { // and as a PNG, which is decoded whole
			name = strings.TrimSuffix(name, filepath.Ext(name)) + "2.png"
			if err := os.WriteFile(filepath.Join(p.dir, name), alone(t, in, "png", []string{"blur:size=1"}), 0o666); err != nil {
				t.Fatal(err)
			}
			p.wants[name] = alone(t, filepath.Join(p.dir, name), "png", ops)
		}
	}
	for name, text := range map[string]string{"bad.ppm": "P6\n10 10\n255\ntoo short", "sub/bad.jpg": "no picture"} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		p.fails = append(p.fails, name)
	}
	slices.Sort(p.fails)
	return p
}

// setup is one way to do a job, which must not matter.
type setup struct {
	size, head, threads, hosts int
	large                      int64 // pixels
	nothing                    bool  // only the head can open the files
}

// attempt is an attempt at a job, over several epochs.
type attempt struct {
	t       testing.TB
	photos  *photos
	setup   setup
	job     folder.Job
	queue   *folder.Queue
	members []*folder.Member
	fates   []*commtest.Fate
	ids     []uint32
	nextID  uint32
	epoch   uint32
	listed  int
	resumed int
}

var errDead = errors.New("this member is dead")

// begin begins an attempt as the launcher does, with what earlier ones have recorded in the journal.
func (p *photos) begin(t testing.TB, s setup, out string, log *os.File, change func(*folder.Job)) *attempt {
	t.Helper()
	a := &attempt{t: t, photos: p, setup: s}
	a.job = folder.Job{
		Ranks: s.size, Head: s.head, Output: out, Temp: filepath.Join(out, folder.TempName("12345678")), Read: raster.Options{MaxPixels: 1 << 30}, Ops: p.ops, Quality: 90,
		Threads: s.threads, Large: s.large, Memory: folder.DefaultMemory, ID: journal.ID{7}, Mode: ranks.CheckpointEvery, Every: time.Hour,
	}
	if change != nil {
		change(&a.job)
	}
	earlier, err := folder.ReadEarlier(log, a.job.ID, folder.Boot())
	if err != nil {
		t.Fatal(err)
	}
	l, err := journal.Open(log, a.job.ID)
	if err == nil {
		err = folder.Begin(l, "x", folder.Boot())
	}
	if err == nil {
		a.queue, err = folder.NewQueue(t.TempDir(), a.job.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.queue.Close)
	a.job.ListFD, a.job.WakeFD, a.job.JournalFD = int(a.queue.List.Fd()), int(a.queue.Wake.Fd()), int(log.Fd())
	pattern, err := folder.ParsePattern("", "")
	if err != nil {
		t.Fatal(err)
	}
	lister := folder.NewLister(out, pattern)
	err = folder.Walk(p.dir, out, func(path, name string) error {
		es, err := lister.Add(path, name)
		if err != nil {
			return err
		}
		if earlier.Of(es[0]).Counts(es[0], out) {
			a.resumed++
			return nil
		}
		return a.queue.Add(es...)
	})
	if err == nil {
		err = a.queue.End()
	}
	if err != nil {
		t.Fatal(err)
	}
	a.listed = lister.Listed()
	n := max(s.size, s.head+1)
	a.members, a.fates = make([]*folder.Member, n), make([]*commtest.Fate, n)
	a.ids = make([]uint32, n)
	for m := range a.members {
		a.fresh(m)
	}
	return a
}

func (a *attempt) fresh(number int) {
	f := commtest.NewFate()
	a.fates[number], a.ids[number] = f, a.nextID
	a.nextID++
	a.members[number] = folder.New(time.Now(), ranks.Probe{At: func(step string, _ int) {
		name, _ := strings.CutPrefix(step, "picture ")
		pixels := a.photos.poison[name]
		if pixels > 0 {
			f.After(1)
		}
		f.Step()
		if pixels > 0 && pixels <= a.setup.large {
			runtime.Goexit() // the lane does nothing more
		}
	}})
}

// run runs one epoch, in which the members of the given numbers die after some steps, and returns whether all were done, and the first
// error that is of no death.
func (a *attempt) run(steps map[int]int64) (done bool, failure error) {
	t := a.t
	t.Helper()
	a.epoch++
	n := len(a.members)
	var hosts []string
	for m := range n {
		hosts = append(hosts, fmt.Sprint(m%max(1, a.setup.hosts)))
	}
	var mu sync.Mutex
	worlds := make(map[*comm.World]int)
	ends := make(map[int]context.CancelCauseFunc)
	dead := make(map[int]bool)
	lose := func(lost int) {
		mu.Lock()
		defer mu.Unlock()
		dead[lost] = true
		for w, m := range worlds {
			if m != lost {
				w.Lose(lost, errDead)
			}
		}
		for _, end := range ends {
			end(errDead)
		}
	}
	config := func(c *comm.Config) {
		c.Host, c.Hosts, c.Epoch, c.Member = hosts[c.Rank], hosts, a.epoch, a.ids[c.Rank]
	}
	boards, memory := make(map[int]*commtest.Bootstrap), new(commtest.Memory)
	var all sync.WaitGroup
	all.Add(n)
	errs := commtest.Each(n, commtest.Options{Memory: true, Config: config}, func(ctx context.Context, w *comm.World) error {
		self := w.Rank()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		mu.Lock()
		worlds[w], ends[self] = self, cancel
		for lost := range dead {
			w.Lose(lost, errDead)
			cancel(errDead)
		}
		mu.Unlock()
		die := func() {
			lose(self)
			w.Abandon()
		}
		a.fates[self].By(die)
		if k, ok := steps[self]; ok {
			a.fates[self].After(k)
		}
		job := a.job
		if self != a.job.Head {
			job = job.Elsewhere()
			if a.setup.nothing {
				job.Output, job.Temp = "/nowhere", "/nowhere"
			}
		}
		joined := 0
		join := func(ctx context.Context) (*comm.World, error) {
			joined++
			mu.Lock()
			if boards[joined] == nil {
				boards[joined] = commtest.NewBootstrap(n)
			}
			c := comm.Config{Rank: self, Size: n, Key: key, Bootstrap: boards[joined], Transport: memory, NoEncrypt: true}
			mu.Unlock()
			config(&c)
			return comm.Join(ctx, c)
		}
		err := a.members[self].Run(ctx, w, key, job, join)
		all.Done()
		all.Wait()
		w.Abandon()
		return err
	})
	done = true
	for m, err := range errs {
		var lost *comm.RankError
		switch {
		case dead[m]:
			a.members[m].Close()
			a.fresh(m)
			done = false
		case errors.Is(err, comm.ErrClosed) && !errors.As(err, &lost):
		case err != nil && len(dead) > 0 && (errors.As(err, &lost) || errors.Is(err, errDead)):
			done = false
		case err != nil:
			done = false
			if !errors.As(err, &lost) && !errors.Is(err, context.Canceled) && failure == nil {
				failure = err
			}
		}
	}
	return done, failure
}

func (a *attempt) close() {
	for _, m := range a.members {
		m.Close()
	}
}

// check holds what is there to what there must be, and the journal to the law that nothing is done twice.
func (p *photos) check(t testing.TB, out string, log *os.File) {
	t.Helper()
	got := make(map[string]bool)
	err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, path)
		if strings.HasPrefix(name, folder.TempName("")) {
			if !strings.Contains(name, "mark-") {
				t.Errorf("%s is left", name)
			}
			return err
		}
		got[name] = true
		b, err := os.ReadFile(path)
		if want, ok := p.wants[name]; !ok || !bytes.Equal(b, want) {
			t.Errorf("%s: another file than that of a job about it alone", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(p.wants)) {
		if !got[name] {
			t.Errorf("%s is missing", name)
		}
	}
	times := make(map[string]int)
	var fails []string
	r := journal.NewReader(log, journal.ID{7})
	for {
		one, err := folder.Next(r)
		if err != nil {
			t.Fatal(err)
		}
		if one == nil {
			break
		}
		if one.State != folder.Done && one.State != folder.Failed {
			continue
		}
		times[one.In]++
		if one.State == folder.Failed {
			name, _ := filepath.Rel(p.dir, one.In)
			fails = append(fails, name)
			kind := folder.BadData
			if p.poison[filepath.Base(name)] > 0 {
				kind = folder.RankLost
			}
			if one.Kind != kind || one.Reason == "" {
				t.Errorf("%+v", one)
			}
		}
	}
	for in, n := range times {
		if n > 1 {
			t.Errorf("%s is recorded %d times", in, n)
		}
	}
	if len(times) != len(p.wants)+len(p.fails) {
		t.Errorf("%d pictures are recorded of %d", len(times), len(p.wants)+len(p.fails))
	}
	if slices.Sort(fails); !slices.Equal(fails, p.fails) {
		t.Errorf("failed are %q, not %q", fails, p.fails)
	}
}

func journalFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestSameBytes is the law of folders: whoever computes a picture, its file is that of a job about it alone.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	p := newPhotos(t, "blur:size=5", "edges:low=20,high=60")
	for n := 1; n <= 4; n++ {
		for head := range n + 1 {
			for i, large := range []int64{folder.DefaultLarge, 1000, 0} {
				s := setup{size: n, head: head, threads: 1 + (n+head)%3, hosts: 1 + (head+i)%3, large: large, nothing: (n+head+i)%2 == 0}
				t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
					t.Parallel()
					out, log := t.TempDir(), journalFile(t)
					a := p.begin(t, s, out, log, nil)
					done, err := a.run(nil)
					if !done || err != nil {
						t.Fatalf("done: %t, %v", done, err)
					}
					a.close()
					p.check(t, out, log)
					if r := a.members[head].Result(); int(r.Rows) != a.listed {
						t.Errorf("%d of %d pictures are counted", r.Rows, a.listed)
					}
				})
			}
		}
	}
}
