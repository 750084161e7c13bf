package comm

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// Before anything else two ranks prove to each other that they hold the job's
// key. All messages have a fixed size; nothing is allocated for a stranger.
//
//	dialer                                       acceptor
//	  magic, nonce A                    ──────▶
//	                                    ◀──────  nonce B
//	  info, MAC("dial", A, B, terms, info)     ──────▶
//	                                    ◀──────  info, MAC("accept", A, B, terms, info)
//
// The fresh nonces make a recorded handshake worthless, the words keep one
// side's proof from being played back as the other's, and the infos bind a
// link to two ranks of one epoch. The terms are not sent: which rank the dialer
// means, since an address may lead to another, and whether links are encrypted.
const (
	helloMagic = "HALORUN1"
	nonceSize  = 32
	infoSize   = 16
	helloSize  = len(helloMagic) + nonceSize
	proofSize  = infoSize + sha256.Size

	roleDial   = "dial"
	roleAccept = "accept"
)

var errHandshake = errors.New("handshake failed")

// identity is what a rank says about itself.
type identity struct {
	rank, member, epoch, size uint32
}

func (id identity) put(b []byte) {
	for i, v := range [...]uint32{id.rank, id.member, id.epoch, id.size} {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
}

func parseIdentity(b []byte) identity {
	le := binary.LittleEndian
	return identity{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])}
}

// terms are what both ends must take for granted.
type terms struct {
	acceptor uint32 // the rank that is dialed
	clear    bool   // the link is not to be encrypted, even between hosts
}

func (t terms) bytes() []byte {
	b := binary.LittleEndian.AppendUint32(nil, t.acceptor)
	if t.clear {
		return append(b, 1)
	}
	return append(b, 0)
}

// prove returns an identity and its proof.
func prove(key []byte, role string, a, b []byte, t terms, id identity) []byte {
	out := make([]byte, infoSize, proofSize)
	id.put(out)
	return append(out, mac(key, role, a, b, t, out)...)
}

// verify returns the identity in a proof if the proof holds.
func verify(key []byte, role string, a, b []byte, t terms, proof []byte) (identity, error) {
	info, sum := proof[:infoSize], proof[infoSize:]
	if !hmac.Equal(sum, mac(key, role, a, b, t, info)) {
		return identity{}, fmt.Errorf("%w: the peer does not hold this job's key", errHandshake)
	}
	return parseIdentity(info), nil
}

func mac(key []byte, role string, a, b []byte, t terms, info []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(role))
	h.Write(a)
	h.Write(b)
	h.Write(t.bytes())
	h.Write(info)
	return h.Sum(nil)
}

// transcript is what both ends know of their handshake, and nobody could make happen again.
type transcript [sha256.Size]byte

func newTranscript(a, b []byte, dialer, acceptor identity) transcript {
	var infos [2 * infoSize]byte
	dialer.put(infos[:])
	acceptor.put(infos[infoSize:])
	return sha256.Sum256(slices.Concat(a, b, infos[:]))
}

// introduce is the dialer's side. It returns who answered.
func introduce(ctx context.Context, l Link, key []byte, agreed terms, me identity) (peer identity, t transcript, err error) {
	hello := make([]byte, helloSize)
	copy(hello, helloMagic)
	a := hello[len(helloMagic):]
	rand.Read(a)
	if err := l.WriteFrame(ctx, net.Buffers{hello}); err != nil {
		return identity{}, t, err
	}
	var b [nonceSize]byte
	if _, err := io.ReadFull(l, b[:]); err != nil {
		return identity{}, t, dropped(err)
	}
	if err := l.WriteFrame(ctx, net.Buffers{prove(key, roleDial, a, b[:], agreed, me)}); err != nil {
		return identity{}, t, err
	}
	var proof [proofSize]byte
	if _, err := io.ReadFull(l, proof[:]); err != nil {
		return identity{}, t, dropped(err)
	}
	peer, err = verify(key, roleAccept, a, b[:], agreed, proof[:])
	return peer, newTranscript(a, b[:], me, peer), err
}

// admit is the acceptor's side. Once the dialer's proof holds, check decides
// whether this peer is wanted; only then is it answered.
func admit(ctx context.Context, l Link, key []byte, agreed terms, me identity, check func(identity) error) (t transcript, err error) {
	var hello [helloSize]byte
	if _, err := io.ReadFull(l, hello[:]); err != nil {
		return t, err
	}
	if string(hello[:len(helloMagic)]) != helloMagic {
		return t, fmt.Errorf("%w: not a rank", errHandshake)
	}
	a := hello[len(helloMagic):]
	var b [nonceSize]byte
	rand.Read(b[:])
	if err := l.WriteFrame(ctx, net.Buffers{b[:]}); err != nil {
		return t, err
	}
	var proof [proofSize]byte
	if _, err := io.ReadFull(l, proof[:]); err != nil {
		return t, err
	}
	peer, err := verify(key, roleDial, a, b[:], agreed, proof[:])
	if err != nil {
		return t, err
	}
	if err := check(peer); err != nil {
		return t, err
	}
	return newTranscript(a, b[:], peer, me), l.WriteFrame(ctx, net.Buffers{prove(key, roleAccept, a, b[:], agreed, me)})
}

// dropped explains a connection that ended in the middle of a handshake, which
// is how an acceptor refuses.
func dropped(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the peer hung up (another key, epoch, rank or --no-encrypt than it expects?)", errHandshake)
	}
	return err
}
