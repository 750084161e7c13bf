package monitor

import (
	"net"
	"sync"
)

// limited is a listener that turns away whoever is one too many: file descriptors are for the job.
type limited struct {
	net.Listener
	places chan struct{} // one is taken for each connection
}

func limit(l net.Listener, most int) net.Listener { return &limited{l, make(chan struct{}, most)} }

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.places <- struct{}{}:
			return &placed{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
		default:
			c.Close()
		}
	}
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
