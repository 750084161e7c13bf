package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"halorun/launcher/jobs"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// firstFD is the file descriptor of the first inherited file in a rank; see launcher.Config.Files.
const firstFD = 4

// inherited are the open files that the ranks inherit.
type inherited struct {
	files  []*os.File
	owned  []*os.File // to be closed by us
	source *os.File   // INPUT
}

func (in *inherited) add(f *os.File) (fd int) {
	in.files = append(in.files, f)
	return firstFD + len(in.files) - 1
}

// open opens the input for reading in this process.
func (in *inherited) open(f ranks.File) (err error) {
	if f.FD > 0 {
		in.source = in.files[f.FD-firstFD]
		return nil
	}
	if in.source, err = os.Open(f.Path); err != nil {
		return &raster.InputError{Name: f.Name, Err: err}
	}
	in.owned = append(in.owned, in.source)
	return nil
}

func (in *inherited) close() {
	for _, f := range in.owned {
		f.Close()
	}
}

// ownFile tells whether a path, such as /dev/stdin, may mean an open file of this very process.
func ownFile(path string) bool {
	return strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")
}

// input finds INPUT. What cannot be read at random is spooled into a nameless temporary file.
func (in *inherited) input(ctx context.Context, name string) (ranks.File, error) {
	if name != "-" {
		st, err := os.Stat(name)
		switch {
		case err != nil:
			return ranks.File{}, &raster.InputError{Name: name, Err: err}
		case st.IsDir():
			return ranks.File{}, &raster.InputError{Name: name, Err: errors.New("is a folder, not a picture")}
		case st.Mode().IsRegular():
			path, err := filepath.Abs(name)
			if err != nil || !ownFile(path) {
				return ranks.File{Name: name, Path: path}, err
			}
			f, err := os.Open(path)
			if err != nil {
				return ranks.File{}, &raster.InputError{Name: name, Err: err}
			}
			in.owned = append(in.owned, f)
			return ranks.File{Name: name, FD: in.add(f)}, nil
		}
		f, err := openStream(ctx, name, os.O_RDONLY)
		if err != nil {
			return ranks.File{}, &raster.InputError{Name: name, Err: err}
		}
		in.owned = append(in.owned, f)
		return in.spool(ctx, name, f)
	}
	if st, err := os.Stdin.Stat(); err == nil && st.Mode().IsRegular() {
		if at, err := os.Stdin.Seek(0, io.SeekCurrent); err == nil && at == 0 {
			return ranks.File{Name: "stdin", FD: in.add(os.Stdin)}, nil
		}
	}
	return in.spool(ctx, "stdin", os.Stdin)
}

func (in *inherited) spool(ctx context.Context, name string, from *os.File) (ranks.File, error) {
	dir := os.TempDir()
	f, err := os.CreateTemp(dir, "halorun-")
	if err == nil {
		in.owned = append(in.owned, f)
		err = os.Remove(f.Name())
	}
	if err != nil {
		return ranks.File{}, fmt.Errorf("spool %s to %s (TMPDIR): %w", name, dir, errors.Unwrap(err))
	}
	done := make(chan error, 1)
	go func() { done <- copyFile(name, f, from, dir) }()
	select {
	case err = <-done:
	case <-ctx.Done(): // a read from a terminal or an idle pipe cannot be called back
		err = context.Cause(ctx)
	}
	return ranks.File{Name: name, FD: in.add(f)}, err
}

// copyFile tells reading errors from writing ones, since they are different exit statuses.
func copyFile(name string, to, from *os.File, dir string) error {
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); werr != nil {
			return fmt.Errorf("spool %s to %s (TMPDIR): %w", name, dir, errors.Unwrap(werr))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &raster.InputError{Name: name, Err: errors.Unwrap(err)}
		}
	}
}

// outputFormat notes the format of OUTPUT, by --format or its name, and how it is compressed.
func (o *runOptions) outputFormat(job *ranks.Job) (err error) {
	name := o.output
	if o.format != "" {
		name = "x." + o.format
	} else if o.output == "-" {
		return usage("OUTPUT is stdout: --format says which format to write")
	}
	if job.Format, err = raster.FormatOf(name); err != nil && o.format != "" {
		return usage("--format: %w", err)
	}
	if err == nil && o.compression != "" {
		job.Compression, job.Level, err = raster.ParseCompression(job.Format, o.compression)
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// inspectError sorts the errors of ranks.Job.Inspect.
func inspectError(err error) error {
	if isA[*raster.InputError](err) {
		return err
	}
	return usageError{err}
}

// output is OUTPUT while the job runs.
type output struct {
	ranks.File
	pending *raster.Pending // nil for stdout
	pump    *pump           // to a stream
}

// openOutput prepares OUTPUT, and reserves its space where that is known.
func (o *runOptions) openOutput(ctx context.Context, files *inherited, p *ranks.Picture, kept *kept) (*output, error) {
	if o.output == "-" {
		return streamOutput(files, "stdout", os.Stdout, nil)
	}
	failed := func(err error) error { return &ranks.OutputError{Name: o.output, Err: err} }
	var pending *raster.Pending
	var err error
	resumed := false
	if kept != nil && kept.found && len(kept.job.Remove) == 1 {
		if pending, err = raster.ResumePending(o.output, kept.job.Remove[0]); err != nil {
			pending = nil // what stood in it is not done
			jobs.RemoveTemporary(kept.job.Remove[0])
		}
		resumed = err == nil
	}
	if pending == nil {
		if pending, err = raster.NewPending(o.output); err != nil {
			return nil, failed(err)
		}
	}
	out := &output{File: ranks.File{Name: o.output, Path: pending.Path()}, pending: pending}
	if !pending.Regular() {
		// It is opened here because it may be this process's own, as /dev/stdout is.
		f, err := openStream(ctx, pending.Path(), os.O_WRONLY)
		if err != nil {
			return nil, failed(err)
		}
		files.owned = append(files.owned, f)
		return streamOutput(files, o.output, f, pending)
	}
	if size, known := p.Output.Size(); known {
		pending.Size = size
		if err := reserve(pending.Path(), size); err != nil {
			if !resumed {
				out.abort()
			}
			return nil, failed(err)
		}
	}
	return out, nil
}

// streamOutput makes an OUTPUT that is written in order to an open file.
func streamOutput(files *inherited, name string, to *os.File, pending *raster.Pending) (*output, error) {
	p, err := newPump(to)
	if err != nil {
		return nil, &ranks.OutputError{Name: name, Err: err}
	}
	return &output{File: ranks.File{Name: name, FD: files.add(p.out)}, pending: pending, pump: p}, nil
}

// openStream opens a FIFO or device. A FIFO waits for its other end.
func openStream(ctx context.Context, path string, flag int) (*os.File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(path, flag, 0)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// openWritten opens a file to write it anew, or a stream. The end of ctx closes a stream, unless stop was called: whoever reads it too slowly keeps no
// job from its end.
func openWritten(ctx context.Context, path string) (f *os.File, stop func(), err error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		f, err := openStream(ctx, path, os.O_WRONLY)
		if err != nil {
			return nil, nil, err
		}
		closes := context.AfterFunc(ctx, func() { f.Close() })
		return f, func() { closes() }, nil
	}
	f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	return f, func() {}, err
}

// writePending writes a file and puts it in place, whole or not at all, or writes to a stream.
func writePending(ctx context.Context, p *raster.Pending, b []byte) error {
	if p.Regular() {
		return p.Put(b)
	}
	return writeStream(ctx, p.Path(), b)
}

// writeStream writes to a FIFO or device.
func writeStream(ctx context.Context, path string, b []byte) error {
	f, err := openStream(ctx, path, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { f.Close() })()
	_, err = f.Write(b)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, f.Close())
}

func reserve(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// Nobody knows what has become of a file that an earlier attempt has left.
	if st, err := f.Stat(); err == nil && st.Size() > size {
		if err := f.Truncate(size); err != nil {
			return err
		}
	}
	return raster.Reserve(f, size)
}

// temporary returns the files to remove if nobody is left to do so.
func (o *output) temporary() []string {
	if o.pending == nil || !o.pending.Regular() {
		return nil
	}
	return []string{o.pending.Path()}
}

// failure returns err, or why the stream takes nothing if that is the reason for it.
func (o *output) failure(err error) error {
	if why := o.pump.failure(); why != nil && err != nil {
		err = &ranks.OutputError{Name: o.Name, Err: why}
		if o.pending == nil && errors.Is(why, syscall.EPIPE) {
			return pipeError{err}
		}
		return err
	}
	return err
}

func (o *output) abort() {
	o.pump.close()
	if o.pending != nil {
		o.pending.Abort()
	}
}

// commit puts OUTPUT in place, and, if it is to be durable, for good.
func (o *output) commit(ctx context.Context, durable bool) error {
	if err := o.pump.flush(ctx); err != nil {
		return o.failure(err)
	}
	if o.pending == nil || !o.pending.Regular() {
		return nil
	}
	err := o.pending.Commit()
	if err == nil && durable {
		err = o.pending.Sync()
	}
	if err != nil {
		return &ranks.OutputError{Name: o.Name, Err: err}
	}
	return nil
}

// plannedOutput says of OUTPUT what a plan depends on, without touching it: whether it is a stream.
func (o *runOptions) plannedOutput() ranks.File {
	f := ranks.File{Name: o.output, Path: o.output}
	if st, err := os.Stat(o.output); o.output == "-" || err == nil && !st.Mode().IsRegular() {
		f.FD = firstFD
	}
	return f
}
