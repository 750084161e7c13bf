package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks"
	"halorun/ranks/raster"
)

func kernelPath() string { return kernels.Path() }

// work is a picture on its way through a lane.
type work struct {
	*Entry
	began   time.Time
	file    *os.File
	reader  *raster.Reader
	picture *ranks.Picture
	size    int64 // of the input, as it was found
	modTime int64
	sample  []byte
	err     error // ends it
	need    int64 // bytes of memory, about
	remote  bool  // its file is in memory
	large   bool
	out     *pending
}

// close closes the input.
func (w *work) close() {
	if w.reader != nil {
		w.reader.Close()
		w.reader, w.file = nil, nil
	}
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// record returns the record of the picture, whose input is as it was found.
func (w *work) record(state string) *Record {
	r := &Record{
		N: w.N, In: w.In, Page: w.Page, Out: w.Out, Size: w.size, ModTime: w.modTime, Sample: w.sample, State: state, Seconds: time.Since(w.began).Seconds(),
	}
	if w.picture != nil {
		r.Width, r.Height = w.picture.Input.Width, w.picture.Input.Height
		r.Notices = w.picture.Input.Notices
	}
	return r
}

// openFile opens an input. What is not a regular file is not even opened: that would be noticed at its other end.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !st.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0) // should it become a FIFO just now
	if err != nil {
		return nil, nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, st, nil
}

// Pages returns how many pages there are in the file of a picture.
func Pages(path string) (int, error) {
	f, _, err := openFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return raster.Pages(f)
}

var errNotRegular = errors.New("it is not a regular file")

// inspect reads the header of the picture, whose file is open, and finds out whether it is a large one.
func (m *Member) inspect(w *work) error {
	st, err := w.file.Stat()
	if err != nil {
		return &raster.InputError{Name: w.In, Err: err}
	}
	w.size, w.modTime = st.Size(), w.ModTime
	if w.sample, err = raster.Sample(w.file, w.size, sampleKey); err != nil {
		return &raster.InputError{Name: w.In, Err: err}
	}
	if w.reader, err = raster.Open(w.file, "", m.job.reading(w.Entry)); err != nil {
		return err
	}
	chain, err := m.pictures.of(m.job, w.Out, w.reader)
	if err != nil {
		return err
	}
	w.picture, w.need = chain.Picture, chain.memory+w.reader.Memory()
	if w.remote {
		w.need += w.size
	}
	pixels := int64(w.picture.Input.Width) * int64(w.picture.Input.Height)
	alone := m.job.lanes()*m.job.ranks(m.world.Size()) == 1
	w.large = pixels > m.job.Large && !alone || w.need > m.job.Memory
	return nil
}

// sampleKey chooses the blocks of a file of which its Sample is made.
var sampleKey = []byte("halorun")

// Sample returns what a Record's Sample is of an open file.
func Sample(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return raster.Sample(f, st.Size(), sampleKey)
}

// pictures remembers what chains make of pictures of the latest shapes: most of a folder have the same few.
type pictures struct {
	mu    sync.Mutex
	known map[shape]*known
}

// known is a picture of a shape, and what there is to tell of the chain for it.
type known struct {
	*ranks.Picture
	notices []string
	memory  int64 // that a lane takes for it, without the decoder
}

type shape struct {
	width, height, channels, depth int
	codec, format                  string
	direct                         bool
}

// maxShapes bounds what is remembered.
const maxShapes = 64

func (p *pictures) of(j *Job, out string, in *raster.Reader) (*known, error) {
	format := j.Format
	if format == "" {
		var err error
		if format, err = raster.FormatOf(out); err != nil {
			return nil, err
		}
	}
	info := in.Info()
	key := shape{info.Width, info.Height, info.Channels, info.Depth, info.Codec, format, in.Direct()}
	p.mu.Lock()
	one := p.known[key]
	p.mu.Unlock()
	if one == nil {
		job := ranks.Job{Ops: j.Ops, Format: format, Quality: j.Quality, Compression: j.Compression, Level: j.Level, Output: ranks.File{Name: "a " + format}}
		bare := info
		bare.Notices, bare.Meta = nil, raster.Info{}.Meta
		made, err := job.Describe(bare, in.Reading())
		if err != nil {
			return nil, err
		}
		one = &known{made, made.Input.Notices, made.AloneMemory()}
		p.mu.Lock()
		if p.known == nil || len(p.known) >= maxShapes {
			p.known = make(map[shape]*known)
		}
		p.known[key] = one
		p.mu.Unlock()
	}
	// Only its metadata are its own.
	own := *one.Picture
	own.Input = info
	own.Input.Notices = slices.Concat(info.Notices, one.notices, own.Output.Carry(info))
	return &known{&own, nil, one.memory}, nil
}

// compute makes the picture's output, under a temporary name.
func (m *Member) compute(ctx context.Context, w *work) (err error) {
	defer func() {
		if e := recover(); e != nil { // what one picture does to a codec or kernel is no reason to end all the others
			err = fmt.Errorf("internal error: %v", e)
		}
		if err != nil && w.out != nil {
			w.out.abort()
			w.out = nil
		}
	}()
	need := min(w.need, m.job.Memory)
	if err := m.memory.Acquire(ctx, need); err != nil {
		return context.Cause(ctx)
	}
	defer m.memory.Release(need)
	m.atPicture(w.Entry)
	if w.out, err = m.store.create(w.Entry); err != nil {
		return &ranks.OutputError{Name: w.Out, Err: err}
	}
	out := w.picture.Output
	to := raster.NewWriter(w.out.file, out, false)
	defer to.Abort()
	began := time.Now()
	var reading, writing time.Duration
	timed := func(sum *time.Duration, do func() error) error {
		began := time.Now()
		err := do()
		*sum += time.Since(began)
		return err
	}
	written := func(do func() error) error {
		return timed(&writing, func() error {
			err := m.fault("write")
			if err == nil {
				err = do()
			}
			if err != nil {
				return &ranks.OutputError{Name: w.Out, Err: err}
			}
			return nil
		})
	}
	err = written(to.Begin)
	if err == nil {
		err = w.picture.Alone(ctx, func(y int, dst [][]byte) error {
			return timed(&reading, func() error { return w.reader.ReadRows(y, dst) })
		}, func(y int, rows [][]byte) error {
			m.at("compute")
			return written(func() error { return to.WriteRows(y, rows) })
		})
	}
	if err == nil {
		err = written(to.Finish)
	}
	m.meter.read.Add(int64(reading))
	m.meter.write.Add(int64(writing))
	m.meter.compute.Add(int64(time.Since(began) - reading - writing))
	return err
}
