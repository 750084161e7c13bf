package launcher_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"halorun/launcher"
)

// TestMain makes this program its own launcher, agent and rank: the tests start real processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			if err := role(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	// Under the race detector every process would take a second to exit.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	goleak.VerifyTestMain(m)
}

var roles = map[string]func() error{
	"agent": func() error { return launcher.Agent(context.Background(), "test") },
	"noisy-agent": func() error {
		fmt.Print("Last login: Mon Nov 23\nhalorun\nunfinished")
		return launcher.Agent(context.Background(), "test")
	},
	"babbling-agent": func() error {
		fmt.Print(strings.Repeat("babble\n", 20000))
		return launcher.Agent(context.Background(), "test")
	},
	// Its descriptors are enough for itself and three ranks.
	"poor-agent": func() error {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 28, Max: 28}); err != nil {
			return err
		}
		return launcher.Agent(context.Background(), "test")
	},
	"rank": rank,
	// As ranks that do not even attach.
	"exits-at-once": func() error { return errors.New("cannot even start") },
	"never-attaches": func() error {
		_, err := io.Copy(io.Discard, os.NewFile(3, "control"))
		return err
	},
	"launch":        launch,
	"launch-erased": launchErased,
	"sleep":         sleep,
}

// spec is what the ranks of a test are to do.
type spec struct {
	Act  string
	Rank int // that does it, in acts of one rank; the others wait for the job's end
	Args []string
}

var acts = map[string]func(context.Context, *launcher.Rank, spec) error{
	"nothing":        func(_ context.Context, r *launcher.Rank, _ spec) error { return r.Done(nil) },
	"meet":           meet,
	"print":          printLines,
	"print 10 MB":    printWithoutNewlines,
	"inspect":        inspect,
	"fail":           fail,
	"fail after":     failAfter,
	"panic":          panics,
	"exit":           func(context.Context, *launcher.Rank, spec) error { os.Exit(0); return nil },
	"kill yourself":  killYourself,
	"wait":           wait,
	"stay":           stay,
	"stop yourself":  stopYourself,
	"done, but stay": doneButStay,
	"leave a child":  leaveChild,
}

func rank() error {
	ctx := context.Background()
	r, err := launcher.Attach(ctx)
	if err != nil {
		return err
	}
	var s spec
	if err := json.Unmarshal(r.Spec, &s); err != nil {
		return err
	}
	return acts[s.Act](ctx, r, s)
}

// met is what a rank of meet reports.
type met struct {
	Job          string
	Rank, Size   int
	Member       uint32
	Epoch        uint32
	Threads      int
	Host         string
	Hosts        []string
	Key          []byte
	PID, Group   int
	Agent, AGrp  int
	First, Later []string // what all had put before the first fence and before the third, by rank
}

func meet(ctx context.Context, r *launcher.Rank, _ spec) error {
	m := met{
		Job: r.Job, Rank: r.Rank, Size: r.Size, Member: r.Member, Epoch: r.Epoch, Threads: r.Threads, Host: r.Host, Hosts: r.Hosts,
		Key: r.Key, PID: os.Getpid(), Group: syscall.Getpgrp(), Agent: os.Getppid(),
	}
	var err error
	if m.AGrp, err = syscall.Getpgid(m.Agent); err != nil {
		return err
	}
	for fence := range 3 {
		if _, err := r.Get(ctx, key(fence, r.Rank)); err == nil {
			return errors.New("got a value before the fence")
		}
		if err := r.Put(ctx, key(fence, r.Rank), fmt.Appendf(nil, "%d of %d", fence, r.Rank)); err != nil {
			return err
		}
		if err := r.Fence(ctx); err != nil {
			return err
		}
	}
	for i := range r.Size {
		first, err := r.Get(ctx, key(0, i))
		if err != nil {
			return err
		}
		later, err := r.Get(ctx, key(2, i))
		if err != nil {
			return err
		}
		m.First, m.Later = append(m.First, string(first)), append(m.Later, string(later))
	}
	result, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.Done(result)
}

func key(fence, rank int) string { return fmt.Sprintf("fence %d rank %d", fence, rank) }

const linesEach = 300

// line is the i-th line of a rank; lengths vary, and not all bytes are text.
func line(rank, i int) string {
	return fmt.Sprintf("%d %d \xff%s", rank, i, strings.Repeat(string(rune('a'+rank)), i*7%501))
}

func printLines(_ context.Context, r *launcher.Rank, _ spec) error {
	for i := range linesEach {
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			// In two pieces, so that there is something to interleave.
			text := line(r.Rank, i) + "\n"
			for _, piece := range []string{text[:len(text)/2], text[len(text)/2:]} {
				if _, err := f.WriteString(piece); err != nil {
					return err
				}
			}
		}
	}
	return r.Done(nil)
}

const longLine = 10_000_000

func printWithoutNewlines(_ context.Context, r *launcher.Rank, _ spec) error {
	if _, err := os.Stdout.Write(bytes.Repeat([]byte{'x'}, longLine)); err != nil {
		return err
	}
	return r.Done(nil)
}

// inspect reports what this process, its agent, and children of it leak. Descriptor 4 is a file to read from and 5 one to
// write to; the arguments are other descriptors that it may pass on, since it got them from before the launcher.
func inspect(_ context.Context, r *launcher.Rank, s spec) error {
	var problems []string
	if len(r.Key) != 32 {
		problems = append(problems, fmt.Sprintf("the key has %d bytes", len(r.Key)))
	}
	for _, pid := range []int{os.Getpid(), os.Getppid()} {
		for _, name := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil {
				return err
			}
			for _, secret := range []string{
				string(r.Key), hex.EncodeToString(r.Key), base64.StdEncoding.EncodeToString(r.Key), fmt.Sprint(r.Key),
			} {
				if strings.Contains(string(b), secret) {
					problems = append(problems, "the key stands in "+name)
				}
			}
		}
	}
	passed, err := passedOn()
	if err != nil {
		return err
	}
	for _, fd := range passed {
		if fd != "4" && fd != "5" && !slices.Contains(s.Args, fd) {
			target, _ := os.Readlink("/proc/self/fd/" + fd)
			problems = append(problems, fmt.Sprintf("a child would inherit descriptor %s, %s", fd, target))
		}
	}
	text, err := io.ReadAll(os.NewFile(4, "input"))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.NewFile(5, "output"), "rank %d read %s", r.Rank, text)
	return r.Done([]byte(strings.Join(problems, "; ")))
}

// passedOn lists the descriptors that children of this process inherit.
func passedOn() ([]string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	var passed []string
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, err
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && fd > 2 && flags&unix.FD_CLOEXEC == 0 { // an error is that of the descriptor that read the list
			passed = append(passed, e.Name())
		}
	}
	return passed, nil
}

// wait is what a well-behaved rank does when the job is stopped in the middle.
func wait(_ context.Context, r *launcher.Rank, _ spec) error {
	announce(r)
	<-r.Context().Done()
	return r.Fail(1, context.Cause(r.Context()).Error(), fmt.Appendf(nil, "how far rank %d came", r.Rank), true)
}

// announce prints the PIDs of the agent and this rank.
func announce(r *launcher.Rank) { fmt.Printf("agent %d rank %d\n", os.Getppid(), os.Getpid()) }

func fail(ctx context.Context, r *launcher.Rank, s spec) error {
	if r.Rank != s.Rank {
		return wait(ctx, r, s)
	}
	return r.Fail(3, "the input is damaged", []byte("half"), false)
}

// failAfter has all ranks but one fail for the one's sake, and first. They do when all have started, which on a busy machine may take longer
// than a cause is waited for.
func failAfter(ctx context.Context, r *launcher.Rank, s spec) error {
	if err := r.Fence(ctx); err != nil {
		return err
	}
	if r.Rank != s.Rank {
		if err := r.Fail(1, "a peer is gone", nil, true); err != nil {
			return err
		}
		return r.Fence(ctx)
	}
	if err := r.Fence(ctx); err != nil {
		return err
	}
	return r.Fail(0, "this is why", nil, false)
}

func panics(ctx context.Context, r *launcher.Rank, s spec) error {
	if r.Rank != s.Rank {
		return wait(ctx, r, s)
	}
	fmt.Print("last words")
	panic("a bug")
}

func killYourself(ctx context.Context, r *launcher.Rank, s spec) error {
	if r.Rank != s.Rank {
		return wait(ctx, r, s)
	}
	fmt.Print("last words")
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// stay ignores all that can be ignored.
func stay(_ context.Context, r *launcher.Rank, _ spec) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	announce(r)
	select {}
}

func stopYourself(ctx context.Context, r *launcher.Rank, s spec) error {
	announce(r)
	if r.Rank == s.Rank {
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return err
		}
		// It may take effect a little later.
	}
	return wait(ctx, r, s)
}

func doneButStay(_ context.Context, r *launcher.Rank, _ spec) error {
	if err := r.Done([]byte("done")); err != nil {
		return err
	}
	announce(r)
	select {}
}

// leaveChild leaves a process behind that holds stdout and stderr open, in another process group if so asked.
func leaveChild(_ context.Context, r *launcher.Rank, s spec) error {
	cmd := exec.Command("/proc/self/exe", "sleep")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: slices.Contains(s.Args, "own group")}
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Printf("child %d\n", cmd.Process.Pid)
	return r.Done(nil)
}

func sleep() error { select {} }

// launch runs the job that its last argument describes.
func launch() error {
	var l launchable
	if err := json.Unmarshal([]byte(os.Args[2]), &l); err != nil {
		return err
	}
	_, err := launcher.Run(context.Background(), launcher.Config{
		AgentArgs: l.AgentArgs, RankArgs: l.RankArgs, Size: l.Size, Spec: l.Spec, Remove: l.Remove,
		Lines: func(_ int, _, _, line string) { fmt.Println(line) },
	})
	return err
}

// launchErased is launch by a program whose file is gone.
func launchErased() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return launch()
}
