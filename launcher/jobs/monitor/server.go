package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

const (
	// readyTime is how old a job is when it can be watched: a shorter one is over before anybody could look.
	readyTime = 400 * time.Millisecond
	// answerTime is how long a client may take to take an answer.
	answerTime = 3 * time.Second
	// idleTime is how long a client may be silent.
	idleTime = 10 * time.Minute
	// maxClients is how many there may be at a time, on the socket and of the metrics.
	maxClients = 64
	// From minRest to maxRest is how long nobody is let in when the system lacks something.
	minRest, maxRest = 5 * time.Millisecond, time.Second
)

// Server answers questions about a job on a Unix socket: for each line that a client sends it gets one, a watch.Status in JSON.
type Server struct {
	board  *watch.Board
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	clients map[net.Conn]bool
}

// Serve lets the user's other processes watch a job, once it is older than a moment. If that cannot be, failed is told why; the job is none the worse.
func Serve(b *watch.Board, failed func(error)) *Server {
	s, ctx := newServer(b)
	s.done.Go(func() {
		select {
		case <-time.After(readyTime):
		case <-ctx.Done():
			return
		}
		l, path, err := listen(b.Snapshot().Run)
		if err == nil {
			err = s.serve(ctx, l, path)
		}
		if err != nil {
			failed(err)
		}
	})
	return s
}

// newServer returns a server with nothing to serve yet, and what ends when it is closed.
func newServer(b *watch.Board) (*Server, context.Context) {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{board: b, cancel: cancel, clients: make(map[net.Conn]bool)}, ctx
}

// Close ends it, and removes the socket.
func (s *Server) Close() {
	if s != nil {
		s.cancel()
		s.done.Wait()
	}
}

// serve talks with whoever comes, and removes the socket in the end.
func (s *Server) serve(ctx context.Context, l net.Listener, path string) error {
	defer os.Remove(path)
	s.done.Go(func() { sweep(ctx) })
	return s.accept(ctx, l)
}

// accept talks with whoever comes, until ctx ends or nobody can come any more.
func (s *Server) accept(ctx context.Context, l net.Listener) error {
	defer l.Close()
	context.AfterFunc(ctx, func() { // also when this has returned: there are still those who came before
		l.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.clients {
			c.Close()
		}
	})
	var rest time.Duration
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			if !passes(err) {
				return err
			}
			rest = min(max(2*rest, minRest), maxRest)
			progress.Wait(ctx, rest) // when ctx ends the listener is closed
			continue
		}
		rest = 0
		s.mu.Lock()
		if len(s.clients) >= maxClients || ctx.Err() != nil {
			c.Close()
		} else {
			s.clients[c] = true
			s.done.Go(func() { s.talk(c) })
		}
		s.mu.Unlock()
	}
}

// passes tells whether the system only lacks something for a while, such as file descriptors.
func passes(err error) bool {
	return slices.ContainsFunc([]error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED}, func(e error) bool { return errors.Is(err, e) })
}

// talk answers a client until it has no more questions, or does not read.
func (s *Server) talk(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.clients, c)
		s.mu.Unlock()
	}()
	questions := bufio.NewReaderSize(c, 64)
	for {
		_ = c.SetReadDeadline(time.Now().Add(idleTime))
		if _, err := questions.ReadSlice('\n'); err != nil {
			return // also a question that is too long
		}
		answer, err := json.Marshal(s.board.Snapshot())
		if err != nil {
			return
		}
		_ = c.SetWriteDeadline(time.Now().Add(answerTime))
		if _, err := c.Write(append(answer, '\n')); err != nil {
			return
		}
	}
}

// listen opens a job's socket in the first folder that takes it.
func listen(run string) (l net.Listener, path string, err error) {
	for _, dir := range folders() {
		path = filepath.Join(dir, run+suffix)
		new := filepath.Join(dir, "."+run+suffix)
		if len(new) > maxPath {
			err = errors.Join(err, fmt.Errorf("%s is longer than %d bytes, which is the most for a socket", new, maxPath))
			continue
		}
		if failed := private(dir); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		l, failed := net.Listen("unix", new)
		if failed == nil {
			l.(*net.UnixListener).SetUnlinkOnClose(false) // it gets another name: one that nobody listens at is taken for a dead job's
			if failed = errors.Join(os.Chmod(new, 0o600), os.Rename(new, path)); failed == nil {
				return l, path, nil
			}
			l.Close()
			os.Remove(new)
		}
		err = errors.Join(err, failed)
	}
	return nil, "", err
}

// sweep removes the sockets of jobs that were killed.
func sweep(ctx context.Context) {
	for _, path := range sockets() {
		if c, err := dial(ctx, path); err == nil {
			c.Close()
		}
	}
}
