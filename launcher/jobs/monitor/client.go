package monitor

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/watch"
)

// askTime is how long a job may take to answer.
const askTime = 2 * time.Second

// Mute is the state of a job that does not answer, such as one that is suspended.
const Mute = "no answer"

// maxAnswer is more than thousands of ranks have to say.
const maxAnswer = 64 << 20

// client asks one job how it is.
type client struct {
	conn    net.Conn
	answers *bufio.Scanner
}

// dial connects to a socket. One at which nobody listens is removed.
func dial(ctx context.Context, path string) (net.Conn, error) {
	d := net.Dialer{Timeout: askTime}
	c, err := d.DialContext(ctx, "unix", path)
	if errors.Is(err, unix.ECONNREFUSED) {
		_ = os.Remove(path) // another one may have been quicker
	}
	return c, err
}

func newClient(ctx context.Context, path string) (*client, error) {
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, answers: bufio.NewScanner(conn)}
	c.answers.Buffer(nil, maxAnswer)
	return c, nil
}

// Ask asks once. An error means that the job has ended, or is about to.
func (c *client) Ask(ctx context.Context) (*watch.Status, error) {
	_ = c.conn.SetDeadline(time.Now().Add(askTime))
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Now()) })()
	if _, err := c.conn.Write([]byte("status\n")); err != nil {
		return nil, err
	}
	if !c.answers.Scan() {
		return nil, errors.Join(c.answers.Err(), errors.New("the job has ended"))
	}
	s := new(watch.Status)
	if err := json.Unmarshal(c.answers.Bytes(), s); err != nil {
		return nil, fmt.Errorf("the job says what is no status: %w", err)
	}
	return s, nil
}

// Close ends the conversation.
func (c *client) Close() { c.conn.Close() }

// Local watches the jobs that this user runs on this host.
type Local struct {
	known map[string]*known // by run
}

// known is what is known of a job.
type known struct {
	client *client
	status *watch.Status // latest
}

// Look returns how the jobs are that run, the latest first; with a name only those that are called so: by their ID, that of their attempt, or its
// beginning.
func (l *Local) Look(ctx context.Context, name string) ([]*watch.Status, error) {
	paths := sockets()
	if l.known == nil {
		l.known = make(map[string]*known)
	}
	var asked sync.WaitGroup
	for run, path := range paths {
		k := l.known[run]
		if k == nil {
			k = new(known)
			l.known[run] = k
		}
		asked.Go(func() { k.ask(ctx, run, path) })
	}
	asked.Wait()
	var all []*watch.Status
	for run, k := range l.known {
		switch s := k.status; {
		case s == nil || paths[run] == "":
			k.forget()
			delete(l.known, run)
		case name == "" || strings.HasPrefix(s.Run, name) || strings.HasPrefix(s.ID, name):
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *watch.Status) int { return cmp.Or(b.Began.Compare(a.Began), strings.Compare(a.Run, b.Run)) })
	return all, nil
}

// ask asks a job how it is. Without a status there is none.
func (k *known) ask(ctx context.Context, run, path string) {
	if k.client == nil {
		var err error
		if k.client, err = newClient(ctx, path); err != nil {
			k.client, k.status = nil, nil
			return
		}
	}
	s, err := k.client.Ask(ctx)
	var slow net.Error
	switch {
	case err == nil:
		k.status = s
	case errors.As(err, &slow) && slow.Timeout():
		k.client.Close()
		k.client = nil
		if k.status == nil {
			k.status = &watch.Status{Job: watch.Job{ID: run, Run: run}}
		}
		k.status.State = Mute
	default:
		k.forget()
	}
}

func (k *known) forget() {
	if k.client != nil {
		k.client.Close()
	}
	k.client, k.status = nil, nil
}

// Close ends all conversations.
func (l *Local) Close() {
	for _, k := range l.known {
		k.forget()
	}
}
