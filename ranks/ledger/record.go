package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
)

const (
	version      = 1
	headerSize   = 56 // of a segment
	headerSumAt  = 48
	recordSize   = 72 // without the payload
	recordSealAt = 64

	headerMagic = "halorunL"
	recordMagic = "\xd7rec"

	// maxRows bounds the bytes of a tile's rows.
	maxRows = 1 << 30
	// maxSums bounds the checksums of a record: Open holds them all while it checks them.
	maxSums = 1 << 17
)

// JobID is the identity of a job. Every segment carries it; a segment of another job counts for nothing.
type JobID [32]byte

// Entry is a finished tile: rows Lo to Hi, the last one not included, of the result of a stage.
type Entry struct {
	Stage, Lo, Hi int
	RowBytes      int    // of a row, at least 1
	Sum           uint64 // see [Sum]
	Stored        bool   // the ledger holds the rows; else they are in the temporary output
}

// name says which rows these are.
func (e Entry) name() string {
	return fmt.Sprintf("rows %d to %d of stage %d", e.Lo, e.Hi, e.Stage)
}

// size returns the bytes of all rows.
func (e Entry) size() int { return (e.Hi - e.Lo) * e.RowBytes }

// check holds an entry to its bounds, so that size does not overflow.
func (e Entry) check() error {
	if e.Stage < 0 || e.Lo < 0 || e.Lo >= e.Hi || e.RowBytes < 1 || e.Hi-e.Lo > maxRows/e.RowBytes {
		return fmt.Errorf("%s, of %d bytes each, are no tile of 1 byte to 1 GiB", e.name(), e.RowBytes)
	}
	return nil
}

// holds tells whether rows have the entry's shape.
func (e Entry) holds(rows [][]byte) error {
	if len(rows) != e.Hi-e.Lo {
		return fmt.Errorf("%d slices for %s", len(rows), e.name())
	}
	for i, r := range rows {
		if len(r) != e.RowBytes {
			return fmt.Errorf("row %d of stage %d has %d bytes, not %d", e.Lo+i, e.Stage, len(r), e.RowBytes)
		}
	}
	return nil
}

// Sum returns the XXH64 of the rows, one after the other. XXH3 would be as quick by itself, but with AVX-512, after
// which everything else on the processor takes some percent longer.
func Sum(rows [][]byte) uint64 {
	if len(rows) == 1 {
		return xxhash.Sum64(rows[0])
	}
	h := xxhash.New()
	for _, r := range rows {
		_, _ = h.Write(r) // never fails
	}
	return h.Sum64()
}

// header returns the header of the job's segments.
func header(id JobID) []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, headerMagic...)
	b = binary.LittleEndian.AppendUint64(b, version)
	b = append(b, id[:]...)
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// foreign tells whether b is an undamaged header that is not the job's. Behind a damaged one the records prove themselves.
func foreign(b []byte, id JobID) bool {
	if len(b) < headerSize {
		return false
	}
	b = b[:headerSize]
	intact := string(b[:len(headerMagic)]) == headerMagic && binary.LittleEndian.Uint64(b[headerSumAt:]) == xxhash.Sum64(b[:headerSumAt])
	return intact && !bytes.Equal(b, header(id))
}

// sealer seals the records of a job.
type sealer struct{ seed uint64 }

func newSealer(id JobID) sealer { return sealer{xxhash.Sum64(header(id))} }

// seal returns the checksum of the record b that stands at the given place of its segment.
func (s sealer) seal(b []byte, at int64) uint64 {
	d := xxhash.NewWithSeed(s.seed + uint64(at))
	_, _ = d.Write(b[:recordSealAt]) // never fails
	return d.Sum64()
}

type kind uint32

const (
	kindInPlace kind = iota + 1
	kindPlain
	kindPacked
	kindInput // lo and hi count groups of INPUT's rows; stage, rowBytes and sum are 0
)

type record struct {
	kind       kind
	stage      uint64
	lo, hi     uint64
	rowBytes   uint64
	sum        uint64
	length     uint64
	payloadSum uint64
}

func recordOf(e Entry, k kind) record {
	return record{kind: k, stage: uint64(e.Stage), lo: uint64(e.Lo), hi: uint64(e.Hi), rowBytes: uint64(e.RowBytes), sum: e.Sum}
}

func (r record) entry() Entry {
	return Entry{int(r.stage), int(r.lo), int(r.hi), int(r.rowBytes), r.sum, r.kind != kindInPlace}
}

// put writes the record, not yet sealed, to the front of b, whose rest is the payload.
func (r record) put(b []byte) {
	payload := b[recordSize:]
	le := binary.LittleEndian
	copy(b, recordMagic)
	le.PutUint32(b[4:], uint32(r.kind))
	le.PutUint64(b[8:], r.stage)
	le.PutUint64(b[16:], r.lo)
	le.PutUint64(b[24:], r.hi)
	le.PutUint64(b[32:], r.rowBytes)
	le.PutUint64(b[40:], r.sum)
	le.PutUint64(b[48:], uint64(len(payload)))
	le.PutUint64(b[56:], xxhash.Sum64(payload))
}

// parse reads the record at the front of b, which stands at the given place and has room bytes behind it, and holds every number
// in it to its bounds. It reports whether there is one.
func (s sealer) parse(b []byte, at, room int64) (record, bool) {
	le := binary.LittleEndian
	if len(b) < recordSize || string(b[:4]) != recordMagic || le.Uint64(b[recordSealAt:]) != s.seal(b, at) {
		return record{}, false
	}
	r := record{
		kind:       kind(le.Uint32(b[4:])),
		stage:      le.Uint64(b[8:]),
		lo:         le.Uint64(b[16:]),
		hi:         le.Uint64(b[24:]),
		rowBytes:   le.Uint64(b[32:]),
		sum:        le.Uint64(b[40:]),
		length:     le.Uint64(b[48:]),
		payloadSum: le.Uint64(b[56:]),
	}
	if max(r.stage, r.lo, r.hi, r.rowBytes, r.length) > math.MaxInt || int64(r.length) > room {
		return record{}, false
	}
	if r.kind == kindInput {
		n := r.hi - r.lo
		return r, r.lo < r.hi && n <= maxSums && r.length == 8*n
	}
	e := r.entry()
	if e.check() != nil {
		return record{}, false
	}
	size := uint64(e.size())
	switch r.kind {
	case kindInPlace:
		return r, r.length == 0
	case kindPlain:
		return r, r.length == size
	case kindPacked:
		return r, r.length < size
	}
	return record{}, false
}
