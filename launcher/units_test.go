package launcher

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halorun/hostfiles"
	"halorun/launcher/control"
)

func TestShares(t *testing.T) {
	cores := [][]int{{0, 4}, {1, 5}, {2, 6}}
	for _, c := range []struct {
		ranks, threads int
		want           [][]int
	}{
		{1, 1, [][]int{{0, 4}}},
		{3, 1, [][]int{{0, 4}, {1, 5}, {2, 6}}},
		{2, 2, [][]int{{0, 1, 4, 5}, {0, 2, 4, 6}}}, // there are too few
		{4, 1, [][]int{{0, 4}, {1, 5}, {2, 6}, {0, 4}}},
		{1, 9, [][]int{{0, 1, 2, 4, 5, 6}}},
	} {
		if got := shares(cores, c.ranks, c.threads); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d ranks of %d threads: %v; want %v", c.ranks, c.threads, got, c.want)
		}
	}
	if got := shares(nil, 2, 1); len(got) != 2 || got[0] != nil {
		t.Errorf("of no cores: %v", got)
	}
}

// Every host has at most as many children as the fan-out says, and a way to the root.
func TestTree(t *testing.T) {
	for _, fanout := range []int{1, 2, 3, 32} {
		l := &launch{config: &Config{Fanout: fanout}}
		ways := make([]*reached, 100)
		for i := range ways {
			ways[i] = new(reached)
		}
		children := make(map[*reached]int)
		for i := range ways {
			p := l.parent(ways, i)
			children[p]++
			if p != nil && slices.Index(ways, p) >= i {
				t.Errorf("fan-out %d: the parent of %d comes after it", fanout, i)
			}
		}
		for p, n := range children {
			if n > fanout {
				t.Errorf("fan-out %d: %d has %d children", fanout, slices.Index(ways, p), n)
			}
		}
	}
}

// Only silence counts, and only while this process listens.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := io.Pipe()
		defer there.Close()
		in := newInbox(control.NewConn(here, &nowhere{}))
		out := control.NewConn(io.NopCloser(strings.NewReader("")), there)
		var limit atomic.Int64
		limit.Store(int64(time.Second))
		done, expired := make(chan struct{}), make(chan time.Time, 1)
		go in.run()
		go in.watch(&limit, done, func() { expired <- time.Now() })
		defer close(done)
		for range 10 { // somebody speaks
			time.Sleep(900 * time.Millisecond) // of synctest's clock, as below: it takes no time
			if err := out.Send(&control.Ping{}); err != nil {
				t.Fatal(err)
			}
			<-in.messages
		}
		for range cap(in.messages) + 1 { // and then nobody here takes what has come
			if err := out.Send(&control.Ping{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour) // of synctest's clock
		select {
		case <-expired:
			t.Fatal("it was silent itself")
		default:
		}
		for range cap(in.messages) + 1 {
			<-in.messages
		}
		limit.Store(0)
		time.Sleep(time.Hour) // of synctest's clock
		limit.Store(int64(time.Second))
		began := time.Now()
		if took := (<-expired).Sub(began); took < time.Second || took > 1200*time.Millisecond {
			t.Errorf("silence was noticed after %v", took)
		}
	})
}

// The script is one line that any login shell passes on to sh, and sh understands it.
func TestAgentScript(t *testing.T) {
	b := findBinaries("/proc/self/exe")
	b.list = append(b.list, newBinary("arm64", "/proc/self/exe"))
	for _, script := range []func() (string, error){
		func() (string, error) { return b.agentScript([]string{"agent"}, false) },
		func() (string, error) { return b.agentScript([]string{"agent"}, true) },
		func() (string, error) { return findBinaries("/proc/self/exe").agentScript([]string{"agent"}, false) },
		func() (string, error) { return remoteScript("/opt/h/halorun", []string{"agent"}), nil },
	} {
		text, err := script()
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text, "\n'!") {
			t.Errorf("%s", text)
		}
		for _, shell := range []string{"sh", "bash"} {
			if out, err := exec.Command(shell, "-n", "-c", text).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", shell, err, out)
			}
		}
	}
}

func TestQuoted(t *testing.T) {
	for _, s := range []string{"", "a b", "it's", `"$HOME" \n`, "'"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quoted(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q becomes %q, %v", s, out, err)
		}
	}
}

func TestSSHErrors(t *testing.T) {
	h := hostfiles.Host{Name: "h3", User: "u", Port: 99, Origin: "hosts.txt:7"}
	for said, want := range map[string]string{
		"ssh: connect to host h3 port 22: Connection timed out": "ssh: connect to host h3 port 22: Connection timed out; is it up, and is its port open? try 'ssh -p 99 u@h3'",
		"u@h3: Permission denied (publickey).":                  "ssh: u@h3: Permission denied (publickey); it wants a password or does not take your key: 'ssh-copy-id -p 99 u@h3'",
		"ssh: Could not resolve hostname h3: Name or service":   "check the name in hosts.txt:7, DNS",
		"something new": "ssh: something new; try 'ssh -o BatchMode=yes -p 99 u@h3 true'",
	} {
		if got := (&sshError{h, []string{"noise", said}}).Error(); !strings.Contains(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestTogether(t *testing.T) {
	var failed []error
	for i := range 14 {
		failed = append(failed, &HostError{Host: fmt.Sprintf("h%d", i), Err: errors.New("why")})
	}
	if got := together(failed[:1]).Error(); got != "host h0: why" {
		t.Error(got)
	}
	if got := together(failed).Error(); got != "host h0: why; nor could these be reached: h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, 3 more ('halorun hosts check' tells of each)" {
		t.Error(got)
	}
}

// TestAwaitEnd: the end of a process is noticed, also while nobody has asked for its status; and no wait is longer than its limit.
func TestAwaitEnd(t *testing.T) {
	for name, await := range map[string]func(pid int, limit time.Duration){"told": awaitEnd, "looked for": lookForEnd} {
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		await(cmd.Process.Pid, 20*time.Millisecond)
		if time.Since(began) < 20*time.Millisecond {
			t.Errorf("%s: a process that runs is taken for one that has ended", name)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		await(cmd.Process.Pid, time.Hour)
		_ = cmd.Wait() // it was killed
		await(cmd.Process.Pid, time.Hour)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: the end was noticed after %v", name, took)
		}
	}
}
