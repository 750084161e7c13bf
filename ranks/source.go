package ranks

import (
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
	reader, err := raster.Open(f, j.Input.Name, raster.Limits{MaxPixels: j.MaxPixels})
	if err != nil {
		f.Close()
		return nil, err
	}
	return &source{reader, f}, nil
}

// openFiles opens INPUT and OUTPUT on the head and begins OUTPUT.
func (r *rank) openFiles(key []byte) (offer, error) {
	defer r.meter.time(read)()
	var o offer
	var err error
	if r.source, err = r.job.openSource(); err != nil {
		return o, err
	}
	o.Info, o.Direct = r.source.Info(), r.source.Direct()
	if r.picture, err = r.job.picture(o.Info); err != nil {
		return o, err
	}
	if o.Direct {
		if o.Input, err = raster.Identify(r.source.file, key); err != nil {
			return o, &raster.InputError{Name: r.job.Input.Name, Err: err}
		}
	}
	if r.sink, err = r.job.openSink(r.picture.Output); err != nil {
		return o, err
	}
	if err := r.sink.Begin(); err != nil {
		return o, r.sink.failed(err)
	}
	if r.sink.Direct() {
		if r.abroad() {
			if o.Mark, err = r.picture.Output.Mark(r.sink.file); err != nil {
				return o, r.sink.failed(err)
			}
		}
		id, err := raster.Identify(r.sink.file, key)
		if err != nil {
			return o, r.sink.failed(err)
		}
		o.Output = &id
	}
	return o, nil
}

// abroad tells whether the world has members on other hosts than the head's.
func (r *rank) abroad() bool {
	for m := range r.world.Size() {
		if r.world.Host(m) != r.world.Host(r.job.Head) {
			return true
		}
	}
	return false
}

// joinSource tells whether this rank can open the very file that the source reads, and does.
func (r *rank) joinSource(o offer, key []byte) bool {
	if !o.Direct {
		return false
	}
	f, err := r.job.Input.open(os.O_RDONLY)
	if err != nil {
		return false // its rows come from the source
	}
	if id, err := raster.Identify(f, key); err != nil || !id.Same(o.Input) {
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
