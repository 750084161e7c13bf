package monitor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"halorun/launcher/jobs/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home gives the test a state folder of its own.
func home(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", dir)
	t.Setenv("TMPDIR", t.TempDir())
}

func board(run string) *watch.Board {
	b := watch.NewBoard(watch.Job{ID: run, Run: run, Began: time.Now(), Size: 2})
	b.Describe(run, watch.Picture{Width: 10, Height: 20}, []string{"invert"})
	b.Progress(0, 0, "h1", []byte(`{"epoch":1,"all":20,"left":20,"since":5,"computed":5}`))
	return b
}

// serving serves a board at once.
func serving(t *testing.T, b *watch.Board) *Server {
	t.Helper()
	l, path, err := listen(b.Snapshot().Run)
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := newServer(b)
	s.done.Go(func() {
		if err := s.serve(ctx, l, path); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.Close)
	return s
}

func look(t *testing.T, l *Local, name string) []*watch.Status {
	t.Helper()
	all, err := l.Look(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Only the user can come near the socket, which is gone when the job is; a job is found by its name and the beginning of that.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	home(t, dir)
	s := serving(t, board("aabbccdd"))
	serving(t, board("aa001122"))
	paths := sockets()
	if len(paths) != 2 {
		t.Fatalf("%v", paths)
	}
	path := paths["aabbccdd"]
	for file, want := range map[string]os.FileMode{filepath.Dir(path): os.ModeDir | 0o700, path: os.ModeSocket | 0o600} {
		if st, err := os.Stat(file); err != nil || st.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", file, st.Mode(), err, want)
		}
	}
	l := new(Local)
	defer l.Close()
	for name, want := range map[string]int{"": 2, "aa": 2, "aab": 1, "aabbccdd": 1, "b": 0} {
		if got := look(t, l, name); len(got) != want {
			t.Errorf("%q is the name of %d jobs, want %d", name, len(got), want)
		}
	}
	if got := look(t, l, "aabb")[0]; got.ID != "aabbccdd" || got.Picture.Height != 20 || got.Ranks[0].Part().Computed != 5 {
		t.Errorf("%+v", got)
	}
	s.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	if got := look(t, l, ""); len(got) != 1 {
		t.Errorf("%d jobs run", len(got))
	}
}

// What a killed job has left is removed, by who looks and by the next job; what is no socket stays.
func TestStale(t *testing.T) {
	home(t, t.TempDir())
	s := serving(t, board("aabbccdd"))
	dir := filepath.Dir(sockets()["aabbccdd"])
	stale := func(name string) string {
		path := filepath.Join(dir, name)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		l.Close()
		return path
	}
	other := filepath.Join(dir, "other.sock")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := stale("00000000.sock")
	l := new(Local)
	defer l.Close()
	if got := look(t, l, ""); len(got) != 1 || got[0].Run != "aabbccdd" {
		t.Errorf("%d jobs run", len(got))
	}
	second := stale("11111111.sock")
	sweep(t.Context())
	for _, path := range []string{first, second} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Lstat(other); err != nil {
		t.Error(err)
	}
	s.Close()
}

// Folders that are not private are made so, or not used; what others could have put there is not believed.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := private(dir); err != nil {
		t.Error(err)
	}
	if st, _ := os.Stat(dir); st.Mode().Perm() != 0o700 {
		t.Errorf("%v", st.Mode())
	}
	link := dir + "-link"
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := private(link); err == nil {
		t.Error("a symbolic link counts as private")
	}
	home(t, t.TempDir())
	serving(t, board("aabbccdd"))
	if err := os.Chmod(filepath.Dir(sockets()["aabbccdd"]), 0o755); err != nil {
		t.Fatal(err)
	}
	if found := sockets(); len(found) != 0 {
		t.Errorf("sockets in an open folder are believed: %v", found)
	}
}

// Where the path would be too long for a socket, another folder is taken, and found.
func TestLongPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12))
	home(t, long)
	short, err := os.MkdirTemp("/tmp", "mon")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	t.Setenv("TMPDIR", short)
	s := serving(t, board("aabbccdd"))
	l := new(Local)
	defer l.Close()
	if got := look(t, l, "aabbccdd"); len(got) != 1 {
		t.Errorf("%d jobs", len(got))
	}
	s.Close()
	t.Setenv("TMPDIR", long)
	told := make(chan error, 1)
	failed := Serve(board("aabbccdd"), func(err error) { told <- err })
	if err := <-told; err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("%v", err)
	}
	failed.Close()
}

// Many look at a time; who asks and does not read, or says nothing, keeps nobody from it, nor the job from its end.
func TestWatchers(t *testing.T) {
	home(t, t.TempDir())
	b := board("aabbccdd")
	s := serving(t, b)
	path := sockets()["aabbccdd"]
	for range 5 {
		mute, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer mute.Close()
		go func() { _, _ = mute.Write([]byte(strings.Repeat("status\n", 1<<18))) }()
		silent, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			l := new(Local)
			defer l.Close()
			for range 10 {
				b.Progress(i%3, 0, "h1", []byte(fmt.Sprintf(`{"computed":%d}`, i)))
				if got := look(t, l, ""); len(got) != 1 || got[0].State != watch.Running {
					t.Errorf("%+v", got)
				}
			}
		})
	}
	all.Wait()
	s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) != 0 {
		t.Errorf("%d clients are left", len(s.clients))
	}
}

// A question that is too long, and one client too many, are turned away.
func TestTurnedAway(t *testing.T) {
	home(t, t.TempDir())
	serving(t, board("aabbccdd"))
	path := sockets()["aabbccdd"]
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte(strings.Repeat("x", 100)))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		_, _ = c.Write([]byte("status\n"))
		if n, err := c.Read(make([]byte, 1)); n == 0 {
			if !errors.Is(err, syscall.ECONNRESET) && err.Error() != "EOF" {
				t.Error(err)
			}
			break
		}
	}
	if len(held) < maxClients-1 || len(held) > maxClients+1 {
		t.Errorf("%d clients were taken", len(held)-1)
	}
}

// A job that is over in a moment never had a socket.
func TestShortJob(t *testing.T) {
	dir := t.TempDir()
	home(t, dir)
	Serve(board("aabbccdd"), func(err error) { t.Error(err) }).Close()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v", entries)
	}
}

// failing is a listener that fails in each of these ways before anybody is let in, and in the last way ever after.
type failing struct {
	net.Listener
	before []error
	after  error
	let    bool
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.before) > 0 {
		err := f.before[0]
		f.before = f.before[1:]
		return nil, err
	}
	if f.let {
		return nil, f.after
	}
	f.let = true
	return f.Listener.Accept()
}

// A lack of file descriptors passes, and a socket that fails for good keeps a job from its end no more than a client who says nothing.
func TestAcceptFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := newServer(board("aabbccdd"))
	lack := func(e syscall.Errno) error { return &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", e)} }
	failed := make(chan error, 1)
	s.done.Go(func() {
		failed <- s.accept(ctx, &failing{Listener: l, before: []error{lack(syscall.EMFILE), lack(syscall.ENFILE)}, after: lack(syscall.EINVAL)})
	})
	c, err := newClient(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := <-failed; !errors.Is(err, syscall.EINVAL) {
		t.Errorf("%v", err)
	}
	if got, err := c.Ask(ctx); err != nil || got.ID != "aabbccdd" {
		t.Errorf("who came before is told %+v, %v", got, err)
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("the socket is still open")
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Close()
	}()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("a silent client keeps it open")
		c.Close()
		<-closed
	}
}
