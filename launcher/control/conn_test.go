package control

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type nopWriteCloser struct{ io.Writer }

func (nopWriteCloser) Close() error { return nil }

// sent returns what Send writes for the messages.
func sent(t interface{ Fatal(...any) }, messages ...Message) []byte {
	var b bytes.Buffer
	c := NewConn(io.NopCloser(nil), nopWriteCloser{&b})
	for _, m := range messages {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func reading(b []byte) *Conn {
	return NewConn(io.NopCloser(bytes.NewReader(b)), nopWriteCloser{io.Discard})
}

func TestEveryKindIsItsOwn(t *testing.T) {
	for kind, make := range made {
		if kind == 0 {
			continue
		}
		if m := make(); int(m.kind()) != kind {
			t.Errorf("a %T is of kind %d in one direction and %d in the other", m, m.kind(), kind)
		}
	}
}

// Whatever is sent is received.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(rapid.Custom(drawMessage), 0, 5).Draw(t, "messages")
		c := reading(sent(t, messages...))
		for _, want := range messages {
			got, err := c.Recv()
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("sent %#v, received %#v, %v", want, got, err)
			}
		}
		if m, err := c.Recv(); err != io.EOF {
			t.Fatalf("received %#v, %v at the end; want io.EOF", m, err)
		}
	})
}

func drawMessage(t *rapid.T) Message {
	m := made[rapid.IntRange(1, len(made)-1).Draw(t, "kind")]()
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		draw(t, v.Field(i))
	}
	return m
}

// draw fills v. Text is UTF-8, as all is that is not []byte.
func draw(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case []byte:
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "bytes"))
	case map[string][]byte:
		v.Set(reflect.ValueOf(rapid.MapOf(rapid.String(), rapid.SliceOfN(rapid.Byte(), 1, 9)).Draw(t, "map")))
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString(rapid.String().Draw(t, "string"))
		case reflect.Int, reflect.Int64:
			v.SetInt(rapid.Int64().Draw(t, "int"))
		case reflect.Uint32:
			v.SetUint(uint64(rapid.Uint32().Draw(t, "uint")))
		case reflect.Bool:
			v.SetBool(rapid.Bool().Draw(t, "bool"))
		case reflect.Slice:
			n := rapid.IntRange(1, 3).Draw(t, "len")
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				draw(t, v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				draw(t, v.Field(i))
			}
		default:
			panic("no way to draw a " + v.Type().String())
		}
	}
}

func TestNoiseBeforeTheGreeting(t *testing.T) {
	const text = greeting // its own beginning, again and again, is the hardest noise
	for name, noise := range map[string]string{
		"none":                    "",
		"lines":                   "Welcome to h1\nYou have mail.\n",
		"unfinished line":         "\x1b]0;h1\x07",
		"newlines":                "\n\n\n",
		"beginnings":              text[:5] + text[:len(text)-1] + "\nhalo\nhalorun\n",
		"as much as there may be": strings.Repeat("x", maxNoise),
		"one byte less than that": strings.Repeat("\n", maxNoise-1),
	} {
		c := reading(append([]byte(noise), sent(t, &Hello{})...))
		if m, err := c.Recv(); err != nil {
			t.Errorf("%s: received %T, %v; want a *Hello", name, m, err)
		}
	}
	c := reading(append(bytes.Repeat([]byte{'x'}, maxNoise+1), sent(t, &Hello{})...))
	if _, err := c.Recv(); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "no greeting in the first 65536 bytes") {
		t.Errorf("after too much noise: %v", err)
	}
}

func TestOtherVersion(t *testing.T) {
	for _, other := range []string{"1\n", "10\n", "\n", "01\n", "1.5\n", strings.Repeat("1", 100)} {
		_, err := reading([]byte(greeting + other)).Recv()
		if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), `this one "3": use the same Halorun on all hosts`) {
			t.Errorf("version %q: %v", other, err)
		}
	}
}

// A stream that ends anywhere is no violation of the protocol.
func TestCutAnywhere(t *testing.T) {
	b := sent(t, &Line{Member: 1, Stream: "stdout", Text: []byte("text")}, &Stop{})
	for n := range b {
		c := reading(b[:n])
		_, err := c.Recv()
		if err == nil {
			_, err = c.Recv()
		}
		if err == nil || errors.Is(err, ErrProtocol) {
			t.Errorf("cut after %d of %d bytes: %v", n, len(b), err)
		}
	}
}

func frame(length uint32, kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32([]byte(greeting+"3\n"), length)
	return append(append(b, kind), body...)
}

func TestHostileMessages(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		want  string
	}{
		"length":       {frame(maxBody+1, 1, "{}"), "claims 16777217 bytes"},
		"whole length": {frame(1<<32-1, 1, "{}"), "claims 4294967295 bytes"},
		"kind 0":       {frame(2, 0, "{}"), "no message of kind 0"},
		"kind 255":     {frame(2, 255, "{}"), "no message of kind 255"},
		"empty body":   {frame(0, 1, ""), "a *control.Hello that is not one"},
		"half a body":  {frame(1, 1, "{"), "a *control.Hello that is not one"},
		"other type":   {frame(13, 7, `{"values": 1}`), "a *control.Table that is not one"},
	} {
		if _, err := reading(c.bytes).Recv(); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// A length that is only claimed takes no memory.
func TestClaimedLengthTakesNoMemory(t *testing.T) {
	c := reading(frame(maxBody, 1, "{}"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Recv()
	runtime.ReadMemStats(&after)
	if err != io.EOF {
		t.Errorf("received %v; want io.EOF", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("a claim of %d bytes took %d", maxBody, took)
	}
}

func TestTooLargeToSend(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	c := NewConn(a, a)
	defer c.Close()
	err := c.Send(&Finished{Result: make([]byte, maxBody)})
	if err == nil || !strings.Contains(err.Error(), "at most 16777216 are possible") {
		t.Errorf("send: %v", err)
	}
	// Nothing of it was sent, so the stream still works.
	go c.Send(&Stop{})
	if m, err := NewConn(b, b).Recv(); err != nil {
		t.Errorf("received %T, %v", m, err)
	}
}

func TestConcurrentSends(t *testing.T) {
	a, b := net.Pipe()
	from, to := NewConn(a, a), NewConn(b, b)
	defer to.Close()
	const senders, each = 8, 50
	var g errgroup.Group
	for s := range senders {
		g.Go(func() error {
			for i := range each {
				if err := from.Send(&Started{Member: uint32(s), PID: i}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	next := make([]int, senders)
	for range senders * each {
		m, err := to.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if s := m.(*Started); s.PID != next[s.Member] {
			t.Fatalf("message %d of sender %d came when %d was due", s.PID, s.Member, next[s.Member])
		}
		next[m.(*Started).Member]++
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	from.Close()
	if err := from.Send(&Stop{}); err == nil {
		t.Error("a closed Conn sends")
	}
}

// Close ends a Send and a Recv that nobody answers.
func TestCloseEndsWaiting(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w2.Close()
	c := NewConn(r2, w)
	received, sent := make(chan error), make(chan error)
	go func() { _, err := c.Recv(); received <- err }()
	go func() {
		for {
			if err := c.Send(&Line{Text: make([]byte, 1<<20)}); err != nil {
				sent <- err
				return
			}
		}
	}()
	// The first bytes show that Send is at work; the rest of the message does not fit into a pipe.
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, err := range []error{<-received, <-sent} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v; want os.ErrClosed", err)
		}
	}
}

func FuzzRecv(f *testing.F) {
	f.Add(sent(f, &Hello{}, &Start{Hosts: []string{"h"}, Key: []byte("key")}, &Stop{}))
	f.Add(sent(f, &Fence{Values: map[string][]byte{"k": {1}}}, &Exited{Signal: 9}))
	f.Add(frame(1<<32-1, 1, "{}"))
	f.Add(frame(2, 200, "{}"))
	f.Add(frame(4, 5, "null"))
	f.Add([]byte("noise" + greeting + "3\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := reading(b)
		for {
			m, err := c.Recv()
			if err != nil {
				return
			}
			// What was understood can be said again. Only its JSON may have been written otherwise.
			again, err := reading(sent(t, m)).Recv()
			if err != nil || !reflect.DeepEqual(sent(t, m), sent(t, again)) {
				t.Fatalf("%#v becomes %#v, %v", m, again, err)
			}
		}
	})
}
