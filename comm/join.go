package comm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Bootstrap is how ranks find each other: PMI's put, fence, get. What a rank has
// put before it enters Fence, every rank can get after it has left Fence.
type Bootstrap interface {
	Put(ctx context.Context, key string, value []byte) error
	// Fence returns when every rank of this epoch has called it.
	Fence(ctx context.Context) error
	Get(ctx context.Context, key string) ([]byte, error)
}

const (
	maxAddr = 4096 // bytes
	// maxHandshakes bounds connections that have not proved the key yet. One more
	// ends the oldest, so that slow strangers cannot keep a rank out.
	maxHandshakes = 64
	dialAttempts  = 5
	dialsAtOnce   = 32
)

func addrKey(epoch uint32, rank int) string {
	return fmt.Sprintf("comm.addr.%d.%d", epoch, rank)
}

// Join makes a link to every other rank of the epoch and returns when all
// stand. Rank i dials every lower rank and is dialed by every higher one; then
// the listener closes. A world of size 1 opens no socket and needs no bootstrap.
func Join(ctx context.Context, cfg Config) (*World, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	w := newWorld(cfg)
	if cfg.Size == 1 {
		return w, nil
	}
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	conns, err := w.connect(ctx)
	if err != nil {
		if errors.As(err, new(*RankError)) {
			return nil, err // which names all there is to name
		}
		return nil, fmt.Errorf("join epoch %d as rank %d of %d: %w", cfg.Epoch, cfg.Rank, cfg.Size, err)
	}
	for peer, c := range conns {
		if c != nil {
			w.links[peer] = newLink(w, peer, c)
		}
	}
	return w, nil
}

func newWorld(cfg Config) *World {
	return &World{
		cfg: cfg, links: make([]*link, cfg.Size),
		certificate: sync.OnceValues(func() (tls.Certificate, error) { return certificate(cfg.Key) }),
	}
}

// connect returns a link for every peer, by rank.
func (w *World) connect(ctx context.Context) ([]Link, error) {
	b, rank := w.cfg.Bootstrap, w.cfg.Rank
	ln, err := w.listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	closeListener := sync.OnceFunc(func() { ln.Close() })
	defer closeListener()
	if err := b.Put(ctx, addrKey(w.cfg.Epoch, rank), []byte(ln.Addr())); err != nil {
		return nil, fmt.Errorf("publish address: %w", err)
	}

	ctx, late := context.WithCancelCause(ctx)
	defer late(nil)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(1 + dialsAtOnce)
	r := &reception{
		world: w, conns: make([]Link, w.cfg.Size),
		missing: w.cfg.Size - 1 - rank, close: closeListener,
	}
	// Peers dial as soon as they have left the fence, perhaps before this rank has.
	g.Go(func() error { return r.run(gctx, ln) })
	dialed := make([]Link, rank)
	if err := b.Fence(gctx); err != nil {
		g.Go(func() error { return fmt.Errorf("wait for the other ranks' addresses: %w", err) })
	} else {
		defer time.AfterFunc(w.cfg.JoinTimeout, func() { late(context.DeadlineExceeded) }).Stop()
		for peer := range dialed {
			g.Go(func() error {
				c, _, err := w.dial(gctx, peer)
				dialed[peer] = c
				return w.wrap("join with", peer, 0, err)
			})
		}
	}
	err = g.Wait()
	conns := append(dialed, r.conns[rank:]...)
	if err != nil {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
		return nil, err
	}
	return conns, nil
}

// terms returns those of a link that the acceptor's rank accepts.
func (w *World) terms(acceptor int) terms { return terms{uint32(acceptor), w.cfg.NoEncrypt} }

func (w *World) identity() identity {
	return identity{uint32(w.cfg.Rank), w.cfg.Member, w.cfg.Epoch, uint32(w.cfg.Size)}
}

// listen opens this rank's listener. Where ranks are on several hosts they tell each other first by which addresses those can be
// reached.
func (w *World) listen(ctx context.Context) (Listener, error) {
	routed, ok := w.cfg.Transport.(Routed)
	if !ok || !w.acrossHosts() {
		return w.cfg.Transport.Listen(ctx)
	}
	mine, err := routed.Candidates()
	if err != nil {
		return nil, err
	}
	if err := w.cfg.Bootstrap.Put(ctx, hostKey(w.cfg.Epoch, w.cfg.Rank), []byte(joinAddrs(mine))); err != nil {
		return nil, fmt.Errorf("publish this host's addresses: %w", err)
	}
	if err := w.cfg.Bootstrap.Fence(ctx); err != nil {
		return nil, fmt.Errorf("wait for the other hosts' addresses: %w", err)
	}
	var peers []netip.Addr
	seen := map[string]bool{w.Host(w.cfg.Rank): true}
	for peer := range w.cfg.Size {
		if seen[w.Host(peer)] {
			continue
		}
		seen[w.Host(peer)] = true
		text, err := w.cfg.Bootstrap.Get(ctx, hostKey(w.cfg.Epoch, peer))
		if err != nil {
			return nil, err
		}
		addrs, err := splitAddrs(text)
		if err != nil {
			return nil, fmt.Errorf("addresses of host %s: %w", w.Host(peer), err)
		}
		peers = append(peers, addrs...)
	}
	return routed.ListenFor(ctx, peers)
}

func hostKey(epoch uint32, rank int) string {
	return fmt.Sprintf("comm.host.%d.%d", epoch, rank)
}

// dial reaches a lower rank. A link that breaks during the handshake is tried
// again a few times: strangers may crowd out a connection, though not for long.
// It also returns the address that led to the rank.
func (w *World) dial(ctx context.Context, peer int) (Link, string, error) {
	addrs, err := w.addresses(ctx, peer)
	if err != nil {
		return nil, "", err
	}
	pause := 10 * time.Millisecond
	for attempt := 1; ; attempt++ {
		c, addr, err := w.dialAny(ctx, peer, addrs)
		if err == nil {
			return c, addr, nil
		}
		var unreachable *connectError
		if attempt == dialAttempts || errors.As(err, &unreachable) || sleep(ctx, pause) != nil {
			return nil, "", err
		}
		pause *= 2
	}
}

func (w *World) addresses(ctx context.Context, peer int) ([]string, error) {
	addr, err := w.cfg.Bootstrap.Get(ctx, addrKey(w.cfg.Epoch, peer))
	if err != nil {
		return nil, fmt.Errorf("look up address: %w", err)
	}
	if len(addr) > maxAddr {
		return nil, fmt.Errorf("address of %d bytes", len(addr))
	}
	return strings.Split(string(addr), ","), nil
}

// nextAddress is when the next of several addresses is tried, while the ones before it go on (RFC 8305).
const nextAddress = 250 * time.Millisecond

// dialAny returns the first link to stand and to lead to the peer: an address may be that of a stranger, too.
func (w *World) dialAny(ctx context.Context, peer int, addrs []string) (Link, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		link Link
		addr string
		err  error
	}
	results := make(chan result)
	for i, addr := range addrs {
		go func() {
			c, err := Link(nil), sleep(ctx, time.Duration(i)*nextAddress)
			if err == nil {
				c, err = w.dialOnce(ctx, peer, addr)
			}
			results <- result{c, addr, err}
		}()
	}
	var first result
	var errs []error
	for range addrs {
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case first.link != nil:
			r.link.Close()
		default:
			first = r
			cancel() // the others
		}
	}
	if first.link != nil {
		return first.link, first.addr, nil
	}
	return nil, "", chief(errs)
}

// chief returns the error of several that tells most: one of a handshake before one of connecting, and else the first.
func chief(errs []error) error {
	for _, err := range errs {
		if errors.Is(err, errHandshake) {
			return err
		}
	}
	return errs[0]
}

func (w *World) dialOnce(ctx context.Context, peer int, addr string) (Link, error) {
	connecting, stop := context.WithTimeout(ctx, w.cfg.ConnectTimeout)
	c, err := w.cfg.Transport.Dial(connecting, addr)
	stop()
	if err != nil {
		return nil, &connectError{to: addr, err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.HandshakeTimeout)
	defer cancel()
	unhook := context.AfterFunc(ctx, func() { c.Close() })
	link, err := w.introduced(ctx, peer, c)
	if !unhook() {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("at %s: %w", addr, err)
	}
	return link, nil
}

// introduced does the dialer's side of the handshake.
func (w *World) introduced(ctx context.Context, peer int, c Link) (Link, error) {
	id, t, err := introduce(ctx, c, w.cfg.Key, w.terms(peer), w.identity())
	if err != nil {
		return nil, err
	}
	if want := (identity{uint32(peer), id.member, w.cfg.Epoch, uint32(w.cfg.Size)}); id != want {
		return nil, fmt.Errorf("%w: rank %d of %d, epoch %d, answers", errHandshake, id.rank, id.size, id.epoch)
	}
	if w.encrypts(peer) {
		return w.encrypt(ctx, c, t, true)
	}
	return c, nil
}

// reception takes the links of the higher ranks and turns strangers away.
type reception struct {
	world *World
	close func() // ends accepting

	mu      sync.Mutex
	conns   []Link // by rank
	missing int
}

// run accepts until all higher ranks are here or ctx ends.
func (r *reception) run(ctx context.Context, ln Listener) error {
	if r.missing == 0 {
		return nil
	}
	stop := context.AfterFunc(ctx, r.close)
	defer stop()
	// Those still at it when all are here, or ctx has ended, are strangers.
	return r.result(ctx, accept(ctx, ln, r.admit))
}

// accept calls admit with whoever connects, until the listener is closed, and returns that error when all calls have returned. Their
// contexts end then, and if there are too many of them: the oldest first. A call may go on without its context.
func accept(ctx context.Context, ln Listener, admit func(ctx context.Context, c Link)) error {
	var handshakes sync.WaitGroup
	defer handshakes.Wait()
	open, cancel := context.WithCancel(ctx)
	defer cancel()

	var pending [maxHandshakes]context.CancelFunc
	for i := 0; ; i = (i + 1) % maxHandshakes {
		c, err := ln.Accept()
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) {
			// Strangers may hold all descriptors: the oldest goes, and the next try comes when it has.
			if pending[i] != nil {
				pending[i]()
			}
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		if err != nil {
			return err
		}
		if pending[i] != nil {
			pending[i]()
		}
		hctx, hcancel := context.WithCancel(open)
		pending[i] = hcancel
		handshakes.Go(func() {
			defer hcancel()
			admit(hctx, c)
		})
	}
}

// admit keeps c if it is a missing peer's, and closes it otherwise.
func (r *reception) admit(ctx context.Context, c Link) {
	ctx, cancel := context.WithTimeout(ctx, r.world.cfg.HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	w := r.world
	rank := 0
	t, err := admit(ctx, c, w.cfg.Key, w.terms(w.cfg.Rank), w.identity(), func(id identity) error {
		if id.epoch != w.cfg.Epoch || id.size != uint32(w.cfg.Size) ||
			id.rank <= uint32(w.cfg.Rank) || id.rank >= id.size {
			return fmt.Errorf("%w: not a higher rank of this epoch", errHandshake)
		}
		rank = int(id.rank)
		return r.reserve(rank, c)
	})
	link := c
	if err == nil && w.encrypts(rank) {
		link, err = w.encrypt(ctx, c, t, false)
	}
	// From here on nobody may close the link behind the peer's back.
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		if rank != 0 {
			r.forget(rank, c)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[rank] = link
	if r.missing--; r.missing == 0 {
		r.close()
	}
}

// reserve gives a rank's place to c.
func (r *reception) reserve(rank int, c Link) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns[rank] != nil {
		return fmt.Errorf("%w: rank %d is here already", errHandshake, rank)
	}
	r.conns[rank] = c
	return nil
}

// forget frees a place that c did not come to fill.
func (r *reception) forget(rank int, c Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns[rank] == c {
		r.conns[rank] = nil
	}
}

// result tells an Accept that failed because all are here from others.
func (r *reception) result(ctx context.Context, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.missing == 0 {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var missing []int
	var names []string
	for rank := r.world.cfg.Rank + 1; rank < r.world.cfg.Size; rank++ {
		if r.conns[rank] == nil {
			var b strings.Builder
			writeRank(&b, rank, r.world.Host(rank))
			missing, names = append(missing, rank), append(names, b.String())
		}
	}
	err = fmt.Errorf("%s did not connect: %w", strings.Join(names, ", "), err)
	if errors.Is(err, context.DeadlineExceeded) {
		return r.world.wrap("join with", missing[0], 0, err)
	}
	return err
}
