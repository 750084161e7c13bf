package comm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

var (
	// ErrClosed is the cause when this rank has closed its own World.
	ErrClosed = errors.New("the world is closed")
	// ErrGoodbye is the cause when the peer has closed its World in good order.
	ErrGoodbye = errors.New("the peer has said goodbye")
	// ErrLost is the cause when a peer's connection ended without a goodbye: its
	// process died, or gave up in the middle of a message.
	ErrLost = errors.New("connection closed by peer")
)

const (
	opSend = "send to"
	opRecv = "recv from"
)

// RankError is a failure of a call that concerns one peer. The cause, found
// with errors.Is and errors.As, is one of this package's errors, the
// context's, or the network's.
type RankError struct {
	Rank int    // the peer
	Host string // the peer's host, if known
	Op   string // what was done with the peer: "send to", "recv from", "join with", "lost"
	Tag  Tag    // of the message, if Op is one of the first two

	By     int // the rank whose call failed
	ByHost string

	Err error
}

func (e *RankError) Error() string {
	var b strings.Builder
	writeRank(&b, e.By, e.ByHost)
	fmt.Fprintf(&b, ": %s ", e.Op)
	writeRank(&b, e.Rank, e.Host)
	if e.Op == opSend || e.Op == opRecv {
		fmt.Fprintf(&b, " (%v)", e.Tag)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *RankError) Unwrap() error { return e.Err }

func writeRank(b *strings.Builder, rank int, host string) {
	fmt.Fprintf(b, "rank %d", rank)
	if host != "" {
		fmt.Fprintf(b, " on host %s", host)
	}
}

// TruncatedError says that a message was longer than the buffers given for
// it. The buffers are filled, the rest of the message is gone, and the link
// goes on working.
type TruncatedError struct {
	Size, Room int64 // bytes
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("message of %d bytes is longer than the %d bytes of room for it", e.Size, e.Room)
}

// connectError says that no connection came about, with both ends and what may be the reason.
type connectError struct {
	to  string
	err error
}

func (e *connectError) Error() string {
	from := "this host"
	if a, err := sourceFor(e.to); err == nil {
		from = a.String()
	}
	var what, why string
	var timeout net.Error
	switch {
	case errors.Is(e.err, syscall.ECONNREFUSED):
		what, why = "connection refused", "a firewall between the hosts refuses it, or the process there has ended"
	case errors.Is(e.err, syscall.EHOSTUNREACH), errors.Is(e.err, syscall.ENETUNREACH):
		what, why = "no route", "the hosts are in different networks, or the other is down; --iface says which network to use"
	case errors.Is(e.err, context.DeadlineExceeded), errors.As(e.err, &timeout) && timeout.Timeout():
		what, why = "connection timed out", "a firewall between the hosts drops it (on Azure: a network security group), or --iface has to say "+
			"which network, or --port-range which ports, are open"
	default:
		return fmt.Sprintf("no connection from %s to %s: %v", from, e.to, e.err)
	}
	return fmt.Sprintf("no connection from %s to %s: %s; %s", from, e.to, what, why)
}

func (e *connectError) Unwrap() error { return e.err }
