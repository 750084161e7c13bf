package ranks

import (
	"cmp"
	"os"

	"halorun/ranks/raster"
)

// source reads rows of INPUT.
type source struct {
	*raster.Reader
	file *os.File
}

func (j Job) openSource() (*source, error) {
	f, err := j.Input.open(os.O_RDONLY)
	if err != nil {
		return nil, &raster.InputError{Name: j.Input.Name, Err: err}
	}
	return j.readFrom(f)
}

// readFrom reads the header of INPUT, which f is, and closes it if that fails.
func (j Job) readFrom(f *os.File) (*source, error) {
	reader, err := raster.Open(f, j.Input.Name, j.readOptions())
	if err != nil {
		f.Close()
		return nil, err
	}
	return &source{reader, f}, nil
}

// openSource opens INPUT on the head.
func (r *Rank) openSource(key []byte) (o offer, err error) {
	defer r.meter.time(read)()
	r.reads = true
	if r.source == nil {
		if r.source, err = r.job.openSource(); err != nil {
			return o, err
		}
		if err := r.job.InputID.Check(r.source.file); err != nil {
			return o, &raster.InputError{Name: r.job.Input.Name, Err: err}
		}
	}
	o.Info, o.Reading = r.source.Info(), r.source.Reading()
	if o.Direct {
		if o.File, err = raster.Identify(r.source.file, key); err != nil {
			return o, &raster.InputError{Name: r.job.Input.Name, Err: err}
		}
	}
	return o, nil
}

// scratch makes a file that is gone when it is closed.
func (j Job) scratch() (*os.File, error) { return ScratchFile(j.Scratch) }

// ScratchFile makes a file that is gone when it is closed, in the folder dir, or if that is "" in the host's own.
func ScratchFile(dir string) (*os.File, error) {
	dir = cmp.Or(dir, os.Getenv("TMPDIR"))
	if dir == "" {
		if dir = os.TempDir(); isFolder("/var/tmp") {
			dir = "/var/tmp" // which is not memory
		}
	}
	f, err := os.CreateTemp(dir, "halorun-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// abroad tells whether the world has members on other hosts than the head's.
func (r *Rank) abroad() bool {
	for m := range r.world.Size() {
		if r.world.Host(m) != r.world.Host(r.job.Head) {
			return true
		}
	}
	return false
}

// joinSource tells whether this rank can open the very file that the source reads, and does.
func (r *Rank) joinSource(o offer, key []byte) bool {
	if !o.Direct {
		return false
	}
	same := func(f *os.File) bool {
		id, err := raster.Identify(f, key)
		return err == nil && id.Same(o.File)
	}
	if r.source != nil {
		return same(r.source.file)
	}
	f, err := r.job.Input.open(os.O_RDONLY)
	if err != nil {
		return false // its rows come from the source
	}
	if !same(f) {
		f.Close()
		return false
	}
	s, err := r.job.readFrom(f)
	if err != nil {
		return false
	}
	r.source = s
	return true
}
