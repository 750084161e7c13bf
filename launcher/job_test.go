package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halorun/hostfiles"
	"halorun/launcher/control"
)

// nowhere is a stream that takes all and gives nothing.
type nowhere struct{ bytes.Reader }

func (*nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (*nowhere) Close() error                { return nil }

// ended is a program that has ended.
type ended struct{}

func (ended) Stdin() io.WriteCloser { return &nowhere{} }
func (ended) Stdout() io.ReadCloser { return &nowhere{} }
func (ended) Stderr() io.ReadCloser { return &nowhere{} }
func (ended) Kill()                 {}
func (ended) Wait() exit            { return exit{} }

// said is something that an agent says, some time after what it said before.
type said struct {
	after time.Duration
	m     control.Message
}

// newTestJob returns a job of n ranks of the one agent that it returns, too.
func newTestJob(n int) (*job, *agentProcess) {
	c := &Config{Hosts: []hostfiles.Host{{Name: "h"}}, Placement: make([]int, n), Heartbeat: time.Second}
	conn := control.NewConn(&nowhere{}, &nowhere{})
	a := &agentProcess{label: "h", local: true, conn: conn, in: newInbox(conn), out: newOutbox(conn), program: ended{}, done: make(chan struct{})}
	close(a.done)
	close(a.in.messages)
	l := &launch{config: c, events: make(chan event)}
	return newJob(l, &crew{agents: []*agentProcess{a}, of: []*agentProcess{a}, failed: []bool{false}, head: a}, &Result{}), a
}

// hearAll has the job hear what an agent says.
func (j *job) hearAll(ctx context.Context, a *agentProcess, script []said) {
	for _, s := range script {
		time.Sleep(s.after) // of synctest's clock, which takes no time; it is 0 elsewhere
		select {
		case j.events <- event{a, s.m}:
		case <-ctx.Done():
			return
		}
	}
}

// followed has a job of n ranks follow an agent that says what is given, and returns how that ends, and when.
func followed(t *testing.T, n int, script []said) (j *job, a *agentProcess, took time.Duration, err error) {
	t.Helper()
	j, a = newTestJob(n)
	j.reporter = newReporter()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go j.hearAll(ctx, a, script)
	began := time.Now()
	err = j.follow(ctx)
	j.reporter.close(ctx, ctx)
	return j, a, time.Since(began), err
}

func TestFollow(t *testing.T) {
	attached := func(id uint32) said { return said{0, &control.Attached{Member: id}} }
	done := func(id uint32) said { return said{0, &control.Finished{Member: id, Epoch: 1}} }
	exited := func(id uint32) said { return said{0, &control.Exited{Member: id}} }
	died := func(id uint32) said { return said{0, &control.Exited{Member: id, Signal: 11}} }
	failed := func(id uint32, consequence bool) said {
		return said{0, &control.Finished{Member: id, Epoch: 1, Status: 3, Message: "why", Consequence: consequence}}
	}
	after := func(d time.Duration, s said) said { return said{d, s.m} }
	both := []said{attached(0), attached(1)}

	for name, c := range map[string]struct {
		script []said // after both
		only   []said // instead of both
		want   error
		took   time.Duration
	}{
		"all done":                 {script: []said{done(0), exited(0), done(1), exited(1)}},
		"done, and killed by then": {script: []said{done(0), died(0), done(1), exited(1)}},
		"done twice, exited twice": {script: []said{done(0), done(0), exited(0), exited(0), after(time.Second, done(1)), exited(1)}, took: time.Second},
		"done but not gone":        {script: []said{done(0), exited(0), done(1)}, took: exitTime},
		"a rank fails": {
			script: []said{after(time.Second, failed(1, false))},
			want:   &RankFailed{Rank: 1, Host: "h", Status: 3, Message: "why"}, took: time.Second,
		},
		"the first error counts": {
			script: []said{failed(0, true), failed(1, false)},
			want:   &RankFailed{Rank: 1, Host: "h", Status: 3, Message: "why"},
		},
		"the cause comes late": {
			script: []said{failed(0, true), after(causeTime-1, died(1))},
			want:   &RankDied{Rank: 1, Host: "h", How: "was killed by SIGSEGV"}, took: causeTime - 1,
		},
		"the cause does not come": {
			script: []said{failed(1, true)},
			want:   &RankFailed{Rank: 1, Host: "h", Status: 3, Message: "why"}, took: causeTime,
		},
		"consequences of nothing": {
			script: []said{failed(1, true), failed(0, true), exited(0), exited(1)},
			want:   &RankFailed{Rank: 1, Host: "h", Status: 3, Message: "why"},
		},
		"a rank cannot be started": {
			script: []said{{0, &control.Exited{Member: 1, Error: "no room"}}},
			want:   &StartError{Rank: 1, Host: "h", Err: errors.New("no room")},
		},
		"a rank does not attach": {
			only: []said{attached(0)},
			want: &StartError{Rank: 1, Host: "h", Err: fmt.Errorf("no sign of life within %v", 10040*time.Millisecond)},
			took: 10040 * time.Millisecond,
		},
		"slow, but all attached": {script: []said{after(time.Hour, done(0)), done(1), exited(1), exited(0)}, took: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := c.only
				if script == nil {
					script = append(both[:len(both):len(both)], c.script...)
				}
				_, _, took, err := followed(t, 2, script)
				if fmt.Sprintf("%T %v", err, err) != fmt.Sprintf("%T %v", c.want, c.want) {
					t.Errorf("%T %v; want %T %v", err, err, c.want, c.want)
				}
				if took != c.took {
					t.Errorf("it took %v; want %v", took, c.took)
				}
			})
		})
	}
}

func TestAgentSpeaksNonsense(t *testing.T) {
	for want, m := range map[string]control.Message{
		"it sent a *control.Stop, which is not for launchers":         &control.Stop{},
		"it speaks of member 2, which is not one of its own":          &control.Started{Member: 2},
		"it speaks of member 4294967295, which is not one of its own": &control.Line{Member: 1<<32 - 1},
	} {
		_, _, _, err := followed(t, 2, []said{{0, m}})
		if want = "the agent on host h cannot be understood: " + want; err == nil || err.Error() != want {
			t.Errorf("a %T: %v; want %q", m, err, want)
		}
	}
}

// Everybody gets what all have put, once each has come to the fence.
func TestFences(t *testing.T) {
	put := func(id uint32, key string) said {
		return said{0, &control.Fence{Member: id, Epoch: 1, Values: map[string][]byte{key: {byte(id)}}}}
	}
	lost := said{0, &control.Stop{}} // ends the job
	_, a, _, _ := followed(t, 2, []said{put(0, "a"), put(0, "b"), put(1, "c"), put(1, "d"), put(0, "e"), put(1, "never"), lost})
	a.out.close()
	var got []control.Message
	for m := range a.out.queue {
		if _, start := m.(*control.Start); !start {
			got = append(got, m)
		}
	}
	want := []control.Message{
		&control.Table{Epoch: 1, Values: map[string][]byte{"a": {0}, "b": {0}, "c": {1}}},
		&control.Table{Epoch: 1, Values: map[string][]byte{"d": {1}, "e": {0}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v; want %v", got, want)
	}
}

// What the agent tells while the job is being stopped is noted, and no event.
func TestHearWhileStopping(t *testing.T) {
	j, a := newTestJob(1)
	j.sum()
	j.stopping = true
	for _, m := range []control.Message{
		&control.Finished{Status: 1, Message: "stopped", Result: []byte("half")}, &control.Exited{Signal: 9, MaxRSSBytes: 5},
	} {
		if err := j.hear(t.Context(), event{a, m}); err != nil {
			t.Error(err)
		}
	}
	j.sum()
	if r := j.result; len(r.Events) != 0 || string(r.Ranks[0].Result) != "half" || r.Ranks[0].Signal != 9 || r.Ranks[0].MaxRSSBytes != 5 {
		t.Errorf("result %+v", r)
	}
}

// A reader that does not read loses its stream, and nobody waits for it.
func TestOutboxOfOneWhoDoesNotRead(t *testing.T) {
	r, w := io.Pipe()
	conn := control.NewConn(r, w)
	o := newOutbox(conn)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.run()
	}()
	for range outboxRoom + 2 { // one more may be on its way
		o.post(&control.Stop{})
	}
	<-ended
	if err := conn.Send(&control.Stop{}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("send: %v; want a closed stream", err)
	}
}
