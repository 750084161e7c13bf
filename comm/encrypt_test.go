package comm

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tcpPair returns the two ends of a connection.
func tcpPair(t *testing.T, transport TCP) (dialed, accepted Link) {
	t.Helper()
	ln, err := transport.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err = transport.Dial(t.Context(), ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed, accepted
}

// A link becomes encrypted only between two ends that hold one key and have shaken hands with each other: neither another key will
// do nor the link of another handshake.
func TestEncrypt(t *testing.T) {
	key, other := []byte("the key of this job"), []byte("the key of that job")
	for name, c := range map[string]struct {
		keys        [2][]byte
		transcripts [2]transcript
		works       bool
	}{
		"same":          {[2][]byte{key, key}, [2]transcript{{1}, {1}}, true},
		"another key":   {[2][]byte{key, other}, [2]transcript{{1}, {1}}, false},
		"another shake": {[2][]byte{key, key}, [2]transcript{{1}, {2}}, false},
	} {
		dialed, accepted := tcpPair(t, TCP{})
		type result struct {
			link Link
			err  error
		}
		ends := make(chan result)
		for i, l := range []Link{dialed, accepted} {
			go func() {
				w := newWorld(Config{Rank: 0, Size: 2, Key: c.keys[i]})
				e, err := w.encrypt(t.Context(), l, c.transcripts[i], i == 0)
				if err == nil && i == 0 {
					err = e.WriteFrame(t.Context(), net.Buffers{[]byte("he"), []byte("llo")})
				}
				if err == nil && i == 1 {
					_, err = io.ReadFull(e, make([]byte, 5))
				}
				if err != nil {
					l.Close()
				}
				ends <- result{e, err}
			}()
		}
		a, b := <-ends, <-ends
		if works := a.err == nil && b.err == nil; works != c.works {
			t.Errorf("%s: %v, %v", name, a.err, b.err)
		}
	}
}

// While a job is suspended, the kernel waits for a peer that takes nothing, for longer than at other times.
func TestSuspendedLinkOutlastsItsTimeout(t *testing.T) {
	for _, suspended := range []bool{false, true} {
		l, _ := tcpPair(t, TCP{UserTimeout: 300 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.WriteFrame(ctx, net.Buffers{make([]byte, 100<<20)}) }() // which nobody reads
		if suspended {
			if err := l.(*tcpLink).Suspend(true); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		select {
		case err = <-ended:
		case <-time.After(3 * time.Second):
		}
		if (err == nil) != suspended {
			t.Errorf("suspended %v: %v", suspended, err)
		}
		cancel()
		if suspended {
			<-ended
			if err := l.(*tcpLink).Suspend(false); err != nil {
				t.Error(err)
			}
			raw, _ := l.(*tcpLink).SyscallConn()
			// A timer of the link sets the kernel's value again, and neither tells when it is done.
			for ms, deadline := 0, time.Now().Add(5*time.Second); ms != 300; time.Sleep(10 * time.Millisecond) {
				_ = raw.Control(func(fd uintptr) { ms, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) })
				if time.Now().After(deadline) {
					t.Fatalf("afterwards the timeout is %d ms", ms)
				}
			}
		}
	}
}
