package comm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"
)

// Everything on a link is a frame: a header of fixed size, then payload bytes
// that belong to an eager or data frame. Numbers are little-endian.
//
//	 0  magic   u32     16  tag     u32     32  size  u64
//	 4  kind    u32     20  length  u32     40  sum   u64 (xxh3 of bytes 0–39)
//	 8  epoch   u32     24  id      u64
//	12  source  u32
const (
	frameMagic = 0x314e5248 // "HRN1"
	headerSize = 48
	sumOffset  = 40

	// maxFrame bounds a frame's payload, and so how long a control frame waits
	// behind data on a link.
	maxFrame = 1 << 20
	// maxMessage bounds what a peer may announce.
	maxMessage = 1 << 42
)

type kind uint32

const (
	kindEager  kind = iota + 1 // a whole message: size == length
	kindRTS                    // request to send: a message of size bytes is ready under id
	kindCTS                    // clear to send: size bytes of message id have a place
	kindData                   // length bytes of message id, at offset size
	kindCredit                 // size bytes of the eager window are free again
	kindBye                    // the sender has closed its world; no message follows
	kindByeAck                 // everything up to the goodbye has been read
	kindEnd
)

type header struct {
	kind   kind
	epoch  uint32
	source uint32
	tag    Tag
	length uint32 // of the payload that follows
	id     uint64
	size   uint64
}

var errFrame = errors.New("damaged frame")

// put writes the header to b, which has room for headerSize bytes.
func (h header) put(b []byte) {
	_ = b[headerSize-1]
	le := binary.LittleEndian
	le.PutUint32(b[0:], frameMagic)
	le.PutUint32(b[4:], uint32(h.kind))
	le.PutUint32(b[8:], h.epoch)
	le.PutUint32(b[12:], h.source)
	le.PutUint32(b[16:], uint32(h.tag))
	le.PutUint32(b[20:], h.length)
	le.PutUint64(b[24:], h.id)
	le.PutUint64(b[32:], h.size)
	le.PutUint64(b[sumOffset:], xxh3.Hash(b[:sumOffset]))
}

// parseHeader reads a header from headerSize bytes and holds every length in
// it to its bounds, so that what follows may rely on them.
func parseHeader(b []byte) (header, error) {
	_ = b[headerSize-1]
	le := binary.LittleEndian
	if m := le.Uint32(b); m != frameMagic {
		return header{}, fmt.Errorf("%w: magic %#x", errFrame, m)
	}
	if le.Uint64(b[sumOffset:]) != xxh3.Hash(b[:sumOffset]) {
		return header{}, fmt.Errorf("%w: header checksum", errFrame)
	}
	h := header{
		kind:   kind(le.Uint32(b[4:])),
		epoch:  le.Uint32(b[8:]),
		source: le.Uint32(b[12:]),
		tag:    Tag(le.Uint32(b[16:])),
		length: le.Uint32(b[20:]),
		id:     le.Uint64(b[24:]),
		size:   le.Uint64(b[32:]),
	}
	switch {
	case h.kind == 0 || h.kind >= kindEnd:
		return header{}, fmt.Errorf("%w: kind %d", errFrame, h.kind)
	case h.length > maxFrame || h.size > maxMessage:
		return header{}, fmt.Errorf("%w: length %d, size %d", errFrame, h.length, h.size)
	case h.kind == kindEager && h.size != uint64(h.length):
		return header{}, fmt.Errorf("%w: eager size %d, length %d", errFrame, h.size, h.length)
	case h.kind != kindEager && h.kind != kindData && h.length != 0:
		return header{}, fmt.Errorf("%w: payload of %d bytes on a control frame", errFrame, h.length)
	}
	return h, nil
}
