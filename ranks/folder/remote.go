package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"halorun/comm"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// input opens a picture's file, wherever it is.
func (l *lane) input(ctx context.Context, w *work) (err error) {
	e := w.Entry
	if l.isHead() {
		if w.file, _, err = openFile(e.In); err != nil {
			return &raster.InputError{Name: e.In, Err: err}
		}
		return nil
	}
	if w.file = l.same(ctx, e); w.file != nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.file, err = l.fetchBytes(ctx, e)
	w.remote = err == nil
	return err
}

// same returns the head's very file, if it can be opened here, else nil.
func (l *lane) same(ctx context.Context, e *Entry) *os.File {
	f, st, err := openFile(e.In)
	if err != nil {
		return nil // its bytes come from the head
	}
	if st.Size() == e.Size && st.ModTime().UnixNano() == e.ModTime && l.proven(ctx, f, e, deviceOf(st) == e.Device && inodeOf(st) == e.Inode) {
		return f
	}
	f.Close()
	return nil
}

// proven tells whether an open file is the head's. equal tells whether its device and inode are: on the head's host that is enough.
func (l *lane) proven(ctx context.Context, f *os.File, e *Entry, equal bool) bool {
	if l.world.Host(l.world.Rank()) == l.world.Host(l.job.Head) {
		return equal
	}
	if send(ctx, l.world, l.job.Head, tagAsk, question{Kind: askProof, Lane: l.number, Entry: e}) != nil {
		return false
	}
	var theirs *raster.Identity
	if recv(ctx, l.world, l.job.Head, laneTag(l.number, streamReply), &theirs) != nil || theirs == nil {
		return false
	}
	mine, err := raster.Identify(f, l.key)
	return err == nil && mine.Same(*theirs)
}

// fetchBytes brings an input's bytes from the head into a file in memory.
func (l *lane) fetchBytes(ctx context.Context, e *Entry) (*os.File, error) {
	if err := send(ctx, l.world, l.job.Head, tagAsk, question{Kind: askBytes, Lane: l.number, Entry: e}); err != nil {
		return nil, err
	}
	var a announcement
	if err := recv(ctx, l.world, l.job.Head, laneTag(l.number, streamReply), &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, &raster.InputError{Name: e.In, Err: &elsewhere{a}}
	}
	fd, err := unix.MemfdCreate("input", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make room for its bytes: %w", err)
	}
	f := os.NewFile(uintptr(fd), e.In)
	err = receiveFile(ctx, l.world, l.job.Head, laneTag(l.number, streamDown), f, a.Size)
	if err != nil {
		f.Close()
		return nil, err
	}
	if a.Size > 0 { // else there is no last word about it
		if err := recv(ctx, l.world, l.job.Head, laneTag(l.number, streamReply), &a); err != nil {
			f.Close()
			return nil, err
		}
		if a.Error != "" {
			f.Close()
			return nil, &raster.InputError{Name: e.In, Err: &elsewhere{a}}
		}
	}
	return f, nil
}

// elsewhere is an error of the head's, in words.
type elsewhere struct{ announcement }

func (e *elsewhere) Error() string { return e.announcement.Error }

// send sends the bytes of an output to the head, which puts it in place and records it.
func (l *lane) send(ctx context.Context, out *pending, r *Record) error {
	st, err := out.file.Stat()
	if err != nil {
		return err
	}
	r.Bytes, r.Rank = st.Size(), l.world.Rank()
	l.at("gather")
	if err := send(ctx, l.world, l.job.Head, tagAsk, question{Kind: tellPut, Lane: l.number, Record: r}); err != nil {
		return err
	}
	l.meter.pictures.Add(1)
	_, err = sendFile(ctx, l.world, l.job.Head, laneTag(l.number, streamUp), out.file, st.Size())
	return err
}

// buffers are for pieces of files.
var buffers = sync.Pool{New: func() any { b := make([]byte, pieceBytes); return &b }}

// sendFile sends the first size bytes of a file, piece by piece; what cannot be read is sent as zeros, and is the first error.
func sendFile(ctx context.Context, w *comm.World, to int, tag comm.Tag, f io.ReaderAt, size int64) (reading, sending error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for at := int64(0); at < size; {
		b := (*buf)[:min(pieceBytes, size-at)]
		n, err := f.ReadAt(b, at)
		if n < len(b) {
			clear(b[n:])
			if errors.Is(err, io.EOF) {
				err = errOtherFile
			}
			reading = errors.Join(reading, err)
		}
		if err := w.Send(ctx, to, tag, b); err != nil {
			return reading, err
		}
		at += int64(len(b))
	}
	return reading, nil
}

// receiveFile receives size bytes, piece by piece.
func receiveFile(ctx context.Context, w *comm.World, from int, tag comm.Tag, f io.WriterAt, size int64) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	var failed error
	for at := int64(0); at < size; {
		b := (*buf)[:min(pieceBytes, size-at)]
		if n, err := w.Recv(ctx, from, tag, b); err != nil {
			return err
		} else if n != len(b) {
			return fmt.Errorf("a piece of %d bytes of a file came where %d were due", n, len(b))
		}
		if failed == nil { // all of it is received in any case
			_, failed = f.WriteAt(b, at)
		}
		at += int64(len(b))
	}
	return failed
}

// service answers one other rank, on the head.
type service struct {
	*head
	rank  int
	group *errgroup.Group
	up    map[int]chan struct{} // by lane: closed when its latest output has been received
}

// run answers until the rank has nothing more to ask.
func (s *service) run(ctx context.Context) error {
	for {
		var q question
		if err := recv(ctx, s.world, s.rank, tagAsk, &q); err != nil {
			return err
		}
		by := holder{s.rank, q.Lane}
		switch q.Kind {
		case askNext:
			answer := func(es []*Entry) {
				s.group.Go(func() error { return s.reply(ctx, q.Lane, assignment{es}) })
			}
			if err := s.park(&ask{by, answer}); err != nil {
				return err
			}
		case tellEnd:
			if s.job.Mode == ranks.CheckpointAll { // the journal is brought to the disk, for all at once
				s.group.Go(func() error { return s.takeEnd(by, q.Record) })
			} else if err := s.takeEnd(by, q.Record); err != nil {
				return err
			}
		case askProof:
			s.group.Go(func() error { return s.reply(ctx, q.Lane, s.identify(q.Entry)) })
		case askBytes:
			s.group.Go(func() error { return s.sendBytes(ctx, q.Lane, q.Entry) })
		case tellPut:
			before, done := s.up[q.Lane], make(chan struct{})
			s.up[q.Lane] = done
			s.group.Go(func() error {
				if before != nil {
					<-before
				}
				defer close(done)
				return s.receive(ctx, by, q.Record)
			})
		case tellHuge:
			s.verdicts <- q.Huge // there is room for one of each rank
		case tellBye:
			return nil
		default:
			return fmt.Errorf("rank %d asks for %q, which is unknown", s.rank, q.Kind)
		}
	}
}

func (s *service) reply(ctx context.Context, lane int, v any) error {
	return send(ctx, s.world, s.rank, laneTag(lane, streamReply), v)
}

// identify returns the identity of an input, or nil.
func (s *service) identify(e *Entry) *raster.Identity {
	f, _, err := openFile(e.In)
	if err != nil {
		return nil
	}
	defer f.Close()
	id, err := raster.Identify(f, s.key)
	if err != nil {
		return nil
	}
	return &id
}

// sendBytes sends an input's bytes, or says why that cannot be.
func (s *service) sendBytes(ctx context.Context, lane int, e *Entry) error {
	said := func(err error) announcement {
		return announcement{Error: reason(&raster.InputError{Err: err}), Kind: failed(e, err).Kind, Passes: passes(err)}
	}
	f, st, err := openFile(e.In)
	if err != nil {
		return s.reply(ctx, lane, said(err))
	}
	defer f.Close()
	if err := s.reply(ctx, lane, announcement{Size: st.Size()}); err != nil {
		return err
	}
	reading, err := sendFile(ctx, s.world, s.rank, laneTag(lane, streamDown), f, st.Size())
	if err != nil || st.Size() == 0 {
		return err
	}
	if reading != nil {
		return s.reply(ctx, lane, said(reading))
	}
	return s.reply(ctx, lane, announcement{})
}

// receive takes an output from a rank that cannot write it, and puts it in place.
func (s *service) receive(ctx context.Context, by holder, r *Record) error {
	e := &Entry{N: r.N, In: r.In, Page: r.Page, Out: r.Out, Size: r.Size, ModTime: r.ModTime}
	broken := func(err error) error {
		err = &ranks.OutputError{Name: r.Out, Err: err}
		if hopeless(err) {
			return &ranks.OutputError{Name: s.job.Output, Err: errors.Unwrap(err)}
		}
		end := failed(e, err)
		end.Sample, end.Rank = r.Sample, r.Rank
		return s.takeEnd(by, end)
	}
	tag := laneTag(by.lane, streamUp)
	out, err := s.store.create(e)
	if err != nil {
		if err := receiveFile(ctx, s.world, s.rank, tag, nowhere{}, r.Bytes); err != nil {
			return err
		}
		return broken(err)
	}
	defer out.abort()
	to := &checkedWriter{file: out.file}
	if err := receiveFile(ctx, s.world, s.rank, tag, to, r.Bytes); err != nil && to.err == nil {
		return err
	}
	if to.err != nil {
		return broken(to.err)
	}
	r.Durable = s.job.durable()
	err = retried(ctx, func() error {
		_, err := out.commit(r.Durable)
		return err
	})
	if err != nil {
		return broken(err)
	}
	return s.takeEnd(by, r)
}

// nowhere forgets what is written.
type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// checkedWriter tells errors of the file from those of the network.
type checkedWriter struct {
	file *os.File
	err  error
}

func (c *checkedWriter) WriteAt(b []byte, at int64) (int, error) {
	n, err := c.file.WriteAt(b, at)
	if err != nil {
		c.err = err
	}
	return n, err
}
