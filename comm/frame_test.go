package comm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

func FuzzParseHeader(f *testing.F) {
	for _, h := range []header{
		{kind: kindEager, epoch: 1, source: 2, tag: 3, length: 4, size: 4},
		{kind: kindRTS, id: 9, size: maxMessage},
		{kind: kindData, id: 1, length: maxFrame, size: 5},
		{kind: kindData, length: maxFrame + 1},
		{kind: kindEager, length: 1},
		{kind: kindCredit, length: 1},
		{kind: kindEnd},
		{},
	} {
		b := make([]byte, headerSize)
		h.put(b)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerSize {
			return
		}
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		if h.length > maxFrame || h.size > maxMessage || h.kind == 0 || h.kind >= kindEnd {
			t.Errorf("%+v passes", h)
		}
		again := make([]byte, headerSize)
		h.put(again)
		if !bytes.Equal(again, b[:headerSize]) {
			t.Errorf("%x is written as %x", b[:headerSize], again)
		}
	})
}

// scripted is a Link that says what it is told to and then ends.
type scripted struct {
	io.Reader
	read    int
	written int
}

func newScripted(b []byte) *scripted { return &scripted{Reader: bytes.NewReader(b)} }

func (s *scripted) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.read += n
	return n, err
}

func (s *scripted) WriteFrame(_ context.Context, parts net.Buffers) error {
	for _, p := range parts {
		s.written += len(p)
	}
	return nil
}

func (s *scripted) Close() error {
	if c, ok := s.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Whatever a stranger says, the acceptor lets it in only with the key's proof,
// and reads no more than a handshake's bytes.
func FuzzAdmit(f *testing.F) {
	me := identity{rank: 0, size: 2}
	f.Add([]byte{})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte(helloMagic))
	f.Add(append([]byte(helloMagic), make([]byte, nonceSize+proofSize+100)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newScripted(b)
		_, err := admit(t.Context(), s, []byte("0123456789abcdef"), terms{}, me, func(identity) error {
			t.Error("let in")
			return nil
		})
		if err == nil || s.read > helloSize+proofSize || s.written > nonceSize {
			t.Errorf("error %v, %d bytes read, %d written", err, s.read, s.written)
		}
	})
}

// frames makes a stream of well-formed headers from fuzz input, 12 bytes a frame,
// with the payload each promises cut short when the input ends.
func frames(in []byte) []byte {
	var out []byte
	for ; len(in) >= 12; in = in[12:] {
		le := binary.LittleEndian
		h := header{
			kind: kind(in[0]%uint8(kindEnd-1) + 1), source: 1, tag: Tag(in[1] % 4),
			length: uint32(le.Uint16(in[2:])), id: uint64(in[4] % 4), size: uint64(le.Uint32(in[5:])),
		}
		if in[9]%2 == 0 {
			h.size %= 100
		}
		switch h.kind {
		case kindEager:
			h.size = uint64(h.length)
		case kindData:
		default:
			h.length = 0
		}
		b := make([]byte, headerSize+int(h.length))
		h.put(b)
		out = append(out, b...)
	}
	return out
}

// Each breach of the protocol ends the link, and with it pending calls.
func TestBreaches(t *testing.T) {
	from := func(h header) header { h.source = 1; return h }
	eager := from(header{kind: kindEager, tag: 1, length: 500, size: 500})
	for name, stream := range map[string][]header{
		"window":          {eager, eager, eager},
		"epoch":           {{kind: kindBye, source: 1, epoch: 1}},
		"source":          {{kind: kindBye, source: 0}},
		"credit":          {from(header{kind: kindCredit, size: 1})},
		"second farewell": {from(header{kind: kindByeAck}), from(header{kind: kindByeAck})},
		"data":            {from(header{kind: kindData, length: 1})},
		"second RTS":      {from(header{kind: kindRTS, id: 1, size: 9, tag: 7}), from(header{kind: kindRTS, id: 1, size: 9, tag: 8})},
		"too much data":   {from(header{kind: kindRTS, id: 1, size: 9, tag: 7}), from(header{kind: kindData, id: 1, length: 10})},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Size: 2, Key: make([]byte, minKey), Bootstrap: noBootstrap{}, EagerLimit: 500, Window: 1500}
			if err := cfg.setDefaults(); err != nil {
				t.Fatal(err)
			}
			var b []byte
			for _, h := range stream {
				frame := make([]byte, headerSize+int(h.length))
				h.put(frame)
				b = append(b, frame...)
			}
			in, say := io.Pipe()
			w := &World{cfg: cfg, links: make([]*link, 2)}
			w.links[1] = newLink(w, 1, &scripted{Reader: in})
			var calls sync.WaitGroup
			for _, tag := range []Tag{7, 8, 9} {
				r := w.newReceive(tag, [][]byte{make([]byte, 100)})
				if err := w.links[1].post(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				calls.Go(func() {
					if _, err := w.finish(t.Context(), w.links[1], r); !errors.Is(err, errFrame) {
						t.Errorf("recv: %v", err)
					}
				})
			}
			say.Write(b)
			calls.Wait()
			if err := w.Send(t.Context(), 1, 1); !errors.Is(err, errFrame) {
				t.Errorf("send: %v", err)
			}
			w.Close()
		})
	}
}

// A peer with the key that says nonsense costs its own link: every call returns,
// and memory stays within the window.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x05\x00\x00............\x01\x02\x05\x00\x00......."))
	f.Add([]byte("\x02\x01\x00\x00\x01\x10\x00\x00\x00\x00..\x04\x01\x10\x00\x01\x00\x00\x00\x00\x00.."))
	f.Add([]byte("\x02\x01\x00\x00\x01\x10\x00\x00\x00\x00..\x02\x01\x00\x00\x01\x10\x00\x00\x00\x00.."))
	f.Add([]byte("\x05\x01\x00\x00\x01\x10\x00\x00\x00\x00..\x06\x01\x00\x00\x01\x10\x00\x00\x00\x00.."))
	f.Fuzz(func(t *testing.T, in []byte) {
		cfg := Config{Size: 2, Key: make([]byte, minKey), Bootstrap: noBootstrap{}}
		if err := cfg.setDefaults(); err != nil {
			t.Fatal(err)
		}
		w := &World{cfg: cfg, links: make([]*link, 2)}
		w.links[1] = newLink(w, 1, newScripted(frames(in)))
		var calls sync.WaitGroup
		for tag := range Tag(4) {
			calls.Go(func() { w.Recv(t.Context(), 1, tag, make([]byte, 10)) })
			calls.Go(func() { w.RecvBytes(t.Context(), 1, tag, 1000) })
			calls.Go(func() { w.Send(t.Context(), 1, tag, make([]byte, 100_000)) })
		}
		calls.Wait()
		if held := w.links[1].inbox.held; held > cfg.Window+headerSize+maxFrame {
			t.Errorf("%d bytes held", held)
		}
		w.Close()
	})
}

type noBootstrap struct{ Bootstrap }

func FuzzSpan(f *testing.F) {
	f.Add([]byte{3, 0, 5, 1}, uint8(2), uint8(3))
	f.Add([]byte{}, uint8(0), uint8(1))
	f.Add([]byte{1, 1, 1, 1, 1}, uint8(31), uint8(4))
	f.Fuzz(func(t *testing.T, lengths []byte, apart, step uint8) {
		memory := make([]byte, 256*(len(lengths)+1)+len(lengths))
		for i := range memory {
			memory[i] = byte(i * 7)
		}
		var bufs [][]byte
		var want []byte
		off := 0
		for i, n := range lengths {
			b := memory[off : off+int(n)]
			bufs, want = append(bufs, b), append(want, b...)
			off += int(n) + int(apart>>(i%8)&1) // some with a gap, some without
		}
		s := span{bufs: bufs}
		var got []byte
		for {
			run := s.next(int(step) + 1)
			if len(run) > int(step)+1 {
				t.Fatalf("%d bytes where at most %d were asked for", len(run), int(step)+1)
			}
			if run == nil {
				break
			}
			got = append(got, run...)
		}
		if !bytes.Equal(got, want) || total(bufs) != uint64(len(want)) {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	})
}
