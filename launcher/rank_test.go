package launcher

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halorun/launcher/control"
)

// agentOf returns an agent's end of a rank's control stream, whose greeting was read.
func agentOf(t *testing.T, socket net.Conn) *control.Conn {
	t.Helper()
	conn := control.NewConn(socket, socket)
	if m, err := conn.Recv(); err != nil {
		t.Fatal(err)
	} else if _, ok := m.(*control.Attached); !ok {
		t.Fatalf("a rank began with a %T", m)
	}
	return conn
}

// attached returns a rank with its agent's end.
func attached(t *testing.T) (*Rank, *control.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	ranks := make(chan *Rank)
	go func() {
		r, err := attach(t.Context(), theirs)
		if err != nil {
			t.Error(err)
		}
		ranks <- r
	}()
	agent := agentOf(t, ours)
	if err := agent.Send(&control.Welcome{Hosts: []string{"h"}, Spec: []byte("spec")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(agent.Close)
	return <-ranks, agent
}

func TestAttachFails(t *testing.T) {
	for name, c := range map[string]struct {
		agent func(*control.Conn) error
		want  string
	}{
		"other message": {func(c *control.Conn) error { return c.Send(&control.Table{}) }, "the agent sent a *control.Table before a welcome"},
		"no such rank":  {func(c *control.Conn) error { return c.Send(&control.Welcome{Rank: 1, Hosts: []string{"h"}}) }, "calls this rank 1 of 1"},
		"negative rank": {func(c *control.Conn) error { return c.Send(&control.Welcome{Rank: -1, Hosts: []string{"h"}}) }, "calls this rank -1 of 1"},
		"gone":          {func(c *control.Conn) error { c.Close(); return nil }, "EOF"},
		"silent":        {func(c *control.Conn) error { return nil }, "the agent says nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				errs := make(chan error)
				go func() {
					_, err := attach(t.Context(), theirs)
					errs <- err
				}()
				conn := agentOf(t, ours)
				defer conn.Close()
				if err := c.agent(conn); err != nil {
					t.Error(err)
				}
				if err := <-errs; err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v; want %q", err, c.want)
				}
			})
		})
	}
}

func TestAttachIsCancelled(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := attach(ctx, theirs); err != why {
		t.Errorf("%v; want the context's cause", err)
	}
}

func TestRankContext(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*control.Conn) error
		want error
	}{
		"stop": {func(c *control.Conn) error { return c.Send(&control.Stop{}) }, errStopped},
		"gone": {func(c *control.Conn) error { c.Close(); return nil }, errAgentGone},
	} {
		r, agent := attached(t)
		if err := r.Context().Err(); err != nil {
			t.Errorf("%s: %v before", name, err)
		}
		if err := c.end(agent); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		if err := context.Cause(r.Context()); err != c.want || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
}

// A fence that a rank gives up on, or at which its agent goes away, is an error and hangs nobody.
func TestFenceFails(t *testing.T) {
	r, agent := attached(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("enough"))
	defer cancel()
	fences := make(chan error)
	fence := func(ctx context.Context) { fences <- r.Fence(ctx) }
	go fence(ctx)
	if _, err := agent.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := <-fences; err == nil || err.Error() != "fence: enough" {
		t.Errorf("%v; want the context's cause", err)
	}
	if err := r.Fence(t.Context()); err == nil || err.Error() != "fence: this rank is at an earlier one still" {
		t.Errorf("a second fence: %v", err)
	}
	// The others come to the first fence at last.
	if err := agent.Send(&control.Table{Values: map[string][]byte{"k": {1}}}); err != nil {
		t.Fatal(err)
	}
	// The answer to what is sent after the table shows that the rank has taken it.
	if err := agent.Send(&control.Ping{}); err != nil {
		t.Fatal(err)
	}
	if m, err := agent.Recv(); err != nil {
		t.Fatal(err)
	} else if _, ok := m.(*control.Pong); !ok {
		t.Fatalf("a ping was answered by a %T", m)
	}
	if v, err := r.Get(t.Context(), "k"); err != nil || len(v) != 1 {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := r.Get(t.Context(), "none"); err == nil || err.Error() != `get: no rank put "none" before a fence` {
		t.Errorf("%v", err)
	}
	go fence(t.Context())
	if _, err := agent.Recv(); err != nil {
		t.Fatal(err)
	}
	agent.Close()
	if err := <-fences; !errors.Is(err, errAgentGone) {
		t.Errorf("%v; want %v", err, errAgentGone)
	}
	if err := r.Fence(t.Context()); err == nil {
		t.Error("a fence without an agent")
	}
}

func TestFinishWithoutAgent(t *testing.T) {
	r, agent := attached(t)
	agent.Close()
	if err := r.Done(nil); err == nil {
		t.Error("done without an agent")
	}
	if err := r.Fail(1, "why", nil, false); err == nil {
		t.Error("failed without an agent")
	}
}
