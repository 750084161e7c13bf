package ranks

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// Job is what a job asks for; every member gets the same, or what Elsewhere makes of it.
type Job struct {
	// Ranks is how many members of the world compute: those numbered below it. 0 stands for all of them, and then Head is 0.
	Ranks int `json:"ranks"`
	// Head is the member on the machine where Halorun was started. It reads INPUT, writes OUTPUT and decides the plan. It is
	// one of the ranks, or, if that machine is to compute nothing, one more member behind them.
	Head int `json:"head"`

	Input   File           `json:"input"`
	InputID *InputID       `json:"input_id"` // as it was found when the job was begun; nil if that is of no interest
	Read    raster.Options `json:"read"`     // how INPUT is read
	Ops     []string       `json:"ops"`
	Output  File           `json:"output"`

	Format      string `json:"format"`      // of the output, one of raster's
	Quality     int    `json:"quality"`     // of a JPEG
	Compression string `json:"compression"` // as in raster.Output, with its level
	Level       int    `json:"level"`

	TileRows int    `json:"tile_rows"` // 0: chosen by the head
	Threads  int    `json:"threads"`   // lanes a rank
	Shrink   int    `json:"shrink"`    // how often to halve a tile's height, for lack of memory
	Memory   int64  `json:"memory"`    // bytes that a process may take; 0: what its host can spare
	Decoder  int64  `json:"decoder"`   // of these, what decoding INPUT takes at least: see FitMemory
	Scratch  string `json:"scratch"`   // folder for what does not fit into memory; "" for the host's own
	Fsync    bool   `json:"fsync"`     // OUTPUT is on the disk when the ranks have finished

	Checkpoint Checkpoint `json:"checkpoint"`
}

// check holds Ranks and Head to a world of the given size.
func (j Job) check(size int) error {
	ranks := j.ranks(size)
	switch {
	case ranks == size && j.Head >= 0 && j.Head < max(1, j.Ranks):
	case ranks > 0 && ranks == size-1 && j.Head == ranks:
	default:
		return fmt.Errorf("a world of %d members is not one of %d ranks whose head is number %d", size, j.Ranks, j.Head)
	}
	return nil
}

// ranks returns how many members of a world of the given size compute.
func (j Job) ranks(size int) int {
	if j.Ranks == 0 {
		return size
	}
	return j.Ranks
}

func (j Job) lanes() int { return max(1, j.Threads) }

// Elsewhere returns the job for a member that has inherited no files, such as one on another host than the head. Its Paths are
// as they were: they may lead to the same files, which is found out.
func (j Job) Elsewhere() Job {
	for _, f := range []*File{&j.Input, &j.Output} {
		if f.FD > 0 {
			f.FD = notInherited
		}
	}
	return j
}

// InputID tells whether INPUT is what it was.
type InputID struct{ raster.Identity }

// IdentifyInput returns the InputID of an open file.
func IdentifyInput(f *os.File) (*InputID, error) {
	id, err := raster.Identify(f, []byte("halorun"))
	return &InputID{id}, err
}

// Check compares a file with what it was.
func (id *InputID) Check(f *os.File) error {
	if id == nil {
		return nil
	}
	now, err := IdentifyInput(f)
	if err == nil && (!id.Same(now.Identity) || id.ModTime != now.ModTime) {
		err = ErrInputChanged
	}
	return err
}

// File says how a rank finds an input or output.
type File struct {
	Name string `json:"name"` // in messages
	Path string `json:"path"` // to open, unless FD is set
	// FD is a file descriptor inherited on the head's host, 0 if there is none, negative if it was not inherited here. That
	// of an output is a stream.
	FD int `json:"fd"`
}

const notInherited = -1

func (f File) open(flag int) (*os.File, error) {
	switch {
	case f.FD > 0:
		return os.NewFile(uintptr(f.FD), f.Name), nil
	case f.FD < 0:
		return nil, fmt.Errorf("%s is open on the host where Halorun was started, not here", f.Name)
	}
	// The path may lead to anything on this host. A FIFO or a device is not even opened: that is noticed at its other end.
	if st, err := os.Stat(f.Path); err == nil && !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: f.Path, Err: errNotRegular}
	}
	// Should it become one just now, nothing waits for its other end.
	file, err := os.OpenFile(f.Path, flag|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: f.Path, Err: errNotRegular}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

var errNotRegular = errors.New("not a regular file")

// Picture is what can be told of a job's pictures from the input's header.
type Picture struct {
	Input  raster.Info
	Output raster.Output
	Ops    []string // normalised
	stages []kernels.Stage
	raster.Reading
}

// Inspect reads the header of the job's input from f and derives what the chain will make of it. It checks all that can be
// checked before a rank starts; the error is a *raster.InputError for the input, else it is a matter of usage.
func (j Job) Inspect(f *os.File) (*Picture, error) {
	o := j.readOptions()
	if j.Memory > 0 {
		o.Memory = math.MaxInt64 // whether that is enough FitMemory tells
	}
	in, err := raster.Open(f, j.Input.Name, o)
	if err != nil {
		return nil, err
	}
	return j.picture(in.Info(), in.Reading())
}

// picture derives the stages and the output from the input's header.
func (j Job) picture(info raster.Info, reading raster.Reading) (*Picture, error) {
	if err := kernels.PathError(); err != nil {
		return nil, err
	}
	chain, err := kernels.Parse(j.Ops)
	if err != nil {
		return nil, err
	}
	in := kernels.Shape{Width: info.Width, Height: info.Height, Channels: info.Channels}
	stages, err := chain.Stages(in)
	if err != nil {
		return nil, err
	}
	if out := stages[len(stages)-1].Out; out.Channels != 1 && raster.GreyOnly(j.Format) {
		// ImageMagick, vips and OpenCV convert too.
		gray, err := kernels.Parse([]string{"gray"})
		if err != nil {
			return nil, err
		}
		chain = append(chain, gray...)
		if stages, err = chain.Stages(in); err != nil {
			return nil, err
		}
		info.Notices = append(info.Notices, fmt.Sprintf("%s holds grey only: gray was added to the chain", j.Output.Name))
	}
	last := stages[len(stages)-1]
	if last.Global() != nil {
		// The decision's rows are read by one more stage, which only copies.
		stages = append(stages, kernels.Stage{In: last.Out, Out: last.Out})
	}
	p := &Picture{Input: info, stages: stages, Reading: reading, Output: raster.Output{
		Width: last.Out.Width, Height: last.Out.Height, Channels: last.Out.Channels, Format: j.Format, Quality: j.Quality,
		Compression: j.Compression, Level: j.Level, Scratch: j.scratch,
	}}
	p.Input.Notices = append(slices.Clip(p.Input.Notices), p.Output.Carry(info)...)
	for _, call := range chain {
		p.Ops = append(p.Ops, call.String())
	}
	return p, p.Output.Check()
}
