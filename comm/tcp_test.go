package comm

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestDialRefused(t *testing.T) {
	ln, err := TCP{}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := (TCP{}).Dial(ctx, ln.Addr()); !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A write to a peer that does not read ends with its context.
func TestWriteIsBounded(t *testing.T) {
	ln, err := TCP{}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l, err := TCP{}.Dial(t.Context(), ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.WriteFrame(ctx, net.Buffers{make([]byte, 100<<20)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
