package comm_test

import (
	"context"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"halorun/comm"
	"halorun/comm/commtest"
)

// short is TCP on a machine that at first has no descriptors left for what it accepts.
type short struct {
	comm.TCP
	failures atomic.Int32
}

func (s *short) ListenFor(ctx context.Context, peers []netip.Addr) (comm.Listener, error) {
	ln, err := s.TCP.ListenFor(ctx, peers)
	return &shortListener{ln, s}, err
}

type shortListener struct {
	comm.Listener
	short *short
}

func (l *shortListener) Accept() (comm.Link, error) {
	if l.short.failures.Add(-1) >= 0 {
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

// TestAcceptOutlastsLackOfDescriptors: strangers may hold all descriptors for a while.
func TestAcceptOutlastsLackOfDescriptors(t *testing.T) {
	transport := &short{TCP: comm.TCP{Interface: "lo"}}
	transport.failures.Store(20)
	commtest.Run(t, 3, commtest.Options{Config: func(c *comm.Config) { c.Transport = transport }},
		func(ctx context.Context, w *comm.World) error { return w.Barrier(ctx) })
	if left := transport.failures.Load(); left >= 0 {
		t.Errorf("%d failures were not met", left+1)
	}
}
