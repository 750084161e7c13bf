package comm

import (
	"context"
	"io"
	"net"
	"net/netip"
)

// Transport makes the links between ranks. TCP is the one in use; a transport
// over TLS or shared memory has the same three methods.
type Transport interface {
	// Name stands in reports: "tcp".
	Name() string
	// Listen opens a place where peers can reach this rank.
	Listen(ctx context.Context) (Listener, error)
	// Dial reaches the rank that listens at addr. It returns when a link stands,
	// when that has become hopeless, or when ctx ends.
	Dial(ctx context.Context, addr string) (Link, error)
}

// Routed is a Transport that has to know of the other hosts to listen where they can reach it.
type Routed interface {
	Transport
	// Candidates returns addresses by which other hosts may reach this one.
	Candidates() ([]netip.Addr, error)
	// ListenFor is Listen on those that lead to the given addresses of other hosts.
	ListenFor(ctx context.Context, peers []netip.Addr) (Listener, error)
}

// Listener takes links from peers.
type Listener interface {
	// Addr is what peers pass to Dial, or several such addresses with commas between them; otherwise only the transport knows its
	// syntax.
	Addr() string
	Accept() (Link, error)
	// Close makes a pending Accept return.
	Close() error
}

// Link carries frames to and from one peer, in order and without loss. One
// goroutine reads, one at a time writes, and anyone may close.
type Link interface {
	// Reader gives the peer's frames as a stream, so that the caller can choose a
	// payload's place after it has seen its header.
	io.Reader
	// WriteFrame sends whole frames, given in parts, and does not keep them. It
	// may use up the slice of slices, not the bytes. When ctx ends before all is
	// handed over it returns ctx's error, and the link is good for Close only.
	WriteFrame(ctx context.Context, parts net.Buffers) error
	// Close ends the link both ways at once and makes pending calls return.
	Close() error
}
