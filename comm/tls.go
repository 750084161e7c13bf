package comm

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Between hosts a link is TLS 1.3 (RFC 8446) once both ends have proved the key, so that strangers never reach TLS. Its one
// certificate is the job's: made from the job's key, the same on all ranks, and the only one that either end accepts. The protocol that
// the ends agree on (ALPN, RFC 7301) carries the transcript of the proof, so that the encrypted link is between just those two ranks.

// certificate makes the job's certificate. It is the same for all who hold the key.
func certificate(key []byte) (tls.Certificate, error) {
	seed, err := hkdf.Key(sha256.New, key, nil, "halorun tls", ed25519.SeedSize)
	if err != nil {
		return tls.Certificate{}, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(nil, template, template, private.Public(), private)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

func tlsConfig(own tls.Certificate, t transcript) *tls.Config {
	protocol := "halorun " + hex.EncodeToString(t[:])
	public := own.PrivateKey.(ed25519.PrivateKey).Public().(ed25519.PublicKey)
	return &tls.Config{
		Certificates:       []tls.Certificate{own},
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519}, // the key is proved already, and a mesh of ranks needs many handshakes
		NextProtos:         []string{protocol},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // there is no authority and no name; VerifyConnection accepts the one key there is
		VerifyConnection: func(s tls.ConnectionState) error {
			peer, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			switch {
			case !ok || !bytes.Equal(peer, public):
				return errors.New("the peer's certificate is not this job's")
			case s.NegotiatedProtocol != protocol:
				return errors.New("the peer speaks of another handshake")
			}
			return nil
		},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
	}
}

// encrypt makes a link encrypted. Both ends call it after the handshake with that transcript.
func (w *World) encrypt(ctx context.Context, l Link, t transcript, dialed bool) (Link, error) {
	own, err := w.certificate()
	if err != nil {
		return nil, err
	}
	raw := &rawConn{Link: l, in: bufio.NewReaderSize(l, tlsBuffer), ctx: context.Background()}
	config := tlsConfig(own, t)
	link := &tlsLink{Link: l, raw: raw, plain: make([]byte, 0, tlsBuffer)}
	if dialed {
		link.conn = tls.Client(raw, config)
	} else {
		link.conn = tls.Server(raw, config)
	}
	raw.through = true
	// The caller closes l when ctx ends, which ends this.
	if err := link.conn.HandshakeContext(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("%w: TLS: %w", errHandshake, dropped(err))
	}
	raw.through = false
	return link, nil
}

// tlsBuffer is how much is encrypted, and sent or received, at a time.
const tlsBuffer = 64 << 10

// tlsLink is an encrypted link over another one.
type tlsLink struct {
	Link
	conn  *tls.Conn
	raw   *rawConn
	plain []byte // to be encrypted
}

func (l *tlsLink) Read(p []byte) (int, error) { return l.conn.Read(p) }

// WriteFrame gathers the parts, which may be many small rows, so that they take few records and few writes.
func (l *tlsLink) WriteFrame(ctx context.Context, parts net.Buffers) error {
	l.raw.context(ctx)
	defer l.raw.context(context.Background())
	for _, p := range parts {
		for len(p) > 0 {
			n := copy(l.plain[len(l.plain):cap(l.plain)], p)
			l.plain, p = l.plain[:len(l.plain)+n], p[n:]
			if len(l.plain) == cap(l.plain) {
				if err := l.flush(ctx); err != nil {
					return err
				}
			}
		}
	}
	return l.flush(ctx)
}

func (l *tlsLink) flush(ctx context.Context) error {
	_, err := l.conn.Write(l.plain)
	l.plain = l.plain[:0]
	if err == nil {
		err = l.raw.flush()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Suspend is the underlying link's.
func (l *tlsLink) Suspend(on bool) error {
	if s, ok := l.Link.(interface{ Suspend(bool) error }); ok {
		return s.Suspend(on)
	}
	return nil
}

// rawConn is a link as crypto/tls wants to see it. What TLS writes waits for flush, except while through is set.
type rawConn struct {
	Link
	in      *bufio.Reader
	through bool

	mu  sync.Mutex // TLS may write from the reader's goroutine, too: an alert
	out []byte
	ctx context.Context
}

func (c *rawConn) context(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx = ctx
}

func (c *rawConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *rawConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.out = append(c.out, p...)
	c.mu.Unlock()
	if c.through {
		return len(p), c.flush()
	}
	return len(p), nil
}

func (c *rawConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.Link.WriteFrame(c.ctx, net.Buffers{c.out})
	c.out = c.out[:0]
	return err
}

// Nobody asks for the addresses, and deadlines are WriteFrame's context and Close.
func (*rawConn) LocalAddr() net.Addr              { return nil }
func (*rawConn) RemoteAddr() net.Addr             { return nil }
func (*rawConn) SetDeadline(time.Time) error      { return nil }
func (*rawConn) SetReadDeadline(time.Time) error  { return nil }
func (*rawConn) SetWriteDeadline(time.Time) error { return nil }
