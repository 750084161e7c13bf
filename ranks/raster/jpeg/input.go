package jpeg

import (
	"encoding/binary"
	"io"
)

// input reads a file's small pieces with few calls. It reads nothing beyond the size.
type input struct {
	src  io.ReaderAt
	size int64
	near []byte // what was read last
	from int64  // where it lies
}

// bytes returns the n ≤ 65535 bytes at a place. They are valid until the next call.
func (in *input) bytes(at int64, n int) ([]byte, error) {
	if lo := at - in.from; lo >= 0 && lo+int64(n) <= int64(len(in.near)) {
		return in.near[lo : lo+int64(n)], nil
	}
	if at < 0 || at+int64(n) > in.size {
		return nil, errShort
	}
	want := int(min(int64(max(n, 4096)), in.size-at))
	if cap(in.near) < want {
		in.near = make([]byte, want)
	}
	in.near, in.from = in.near[:want], at
	if got, err := in.src.ReadAt(in.near, at); got < want {
		in.near = in.near[:0]
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, short(err)
	}
	return in.near[:n], nil
}

// marker finds the next marker at or after a place, and returns it with the place behind it. Bytes before it that are none of its
// business are passed over, as libjpeg does.
func (in *input) marker(at int64) (marker byte, next int64, err error) {
	strange := false
	for prior := byte(0); ; at++ {
		b, err := in.bytes(at, 1)
		if err == errShort && strange {
			return 0, 0, damaged("no marker where one should be")
		}
		if err != nil {
			return 0, 0, err
		}
		if prior == 0xff && b[0] != 0xff && b[0] != 0 {
			return b[0], at + 1, nil
		}
		prior = b[0]
		strange = strange || prior != 0xff
	}
}

// segment returns the body of the segment whose length stands at a place, and the place behind it. Only the first most bytes of the body
// are read.
func (in *input) segment(at int64, most int) (body []byte, next int64, err error) {
	b, err := in.bytes(at, 2)
	if err != nil {
		return nil, 0, err
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < 2 {
		return nil, 0, damaged("a segment shorter than its length field")
	}
	body, err = in.bytes(at+2, min(n-2, most))
	return body, at + int64(n), err
}
