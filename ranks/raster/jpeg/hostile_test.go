package jpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"halorun/ranks/raster/scratch/scratchtest"
)

// sample makes a small file by cjpeg.
func sampleFile(t testing.TB, args ...string) []byte {
	p := newPicture(47, 35, 3)
	for i := range p.data {
		p.data[i] = byte(i*i>>5 ^ i)
	}
	return run(t, p.pnm(), "cjpeg", args...)
}

// A file that has been cut is refused, or all its rows lie before the cut.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-progressive"}, {"-restart", "1"}, {"-grayscale", "-optimize"}} {
		file := sampleFile(t, args...)
		whole := mustDecode(t, file)
		for n := range file {
			p, err := decoded(file[:n], 1000)
			if err == nil && !bytes.Equal(p.data, whole.data) {
				t.Fatalf("%v: its first %d of %d bytes are taken for another picture", args, n, len(file))
			}
			if err != nil && err.Error() != "damaged jpeg: it ends too early" && !strings.HasSuffix(err.Error(), "bytes cannot hold") {
				t.Fatalf("%v: its first %d of %d bytes: %v", args, n, len(file), err)
			}
		}
	}
}

// What libjpeg overlooks is overlooked.
func TestSlips(t *testing.T) {
	for _, args := range [][]string{nil, {"-restart", "1"}, {"-progressive", "-restart", "1"}} {
		file := sampleFile(t, args...)
		want := mustDecode(t, file)
		insert := func(before []byte, what string) []byte {
			at := bytes.Index(file, before)
			return append(append(bytes.Clone(file[:at]), what...), file[at:]...)
		}
		files := map[string][]byte{
			"rubbish behind its end":      append(bytes.Clone(file), "rubbish"...),
			"another picture behind it":   append(bytes.Clone(file), file...),
			"junk before a table":         insert([]byte{0xff, 0xdb}, "ab\xff\x00"),
			"padding before a frame":      insert([]byte{0xff, 0xc4}, "\xff\xff\xff"),
			"junk before its end":         insert([]byte{0xff, 0xd9}, "\x00\x00"),
			"padding before its end":      insert([]byte{0xff, 0xd9}, "\xff\xff"),
			"a comment":                   insert([]byte{0xff, 0xdb}, "\xff\xfe\x00\x05abc"),
			"a profile that is not whole": insert([]byte{0xff, 0xdb}, "\xff\xe2\x00\x12ICC_PROFILE\x00\x01\x02ab"),
		}
		if args != nil {
			files["junk before a restart marker"] = insert([]byte{0xff, 0xd0}, "\x12\x34")
		}
		for name, b := range files {
			got, err := decoded(b, 5)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			same(t, name, got, want)
		}
	}
}

// frameOf makes a file of a frame header, and what follows it.
func frameOf(kind byte, width, height int, comps string, rest ...string) []byte {
	b := []byte("\xff\xd8\xff\xdb\x00\x43\x00")
	b = append(b, bytes.Repeat([]byte{1}, 64)...)
	b = append(b, 0xff, kind, 0, byte(8+len(comps)), 8)
	b = binary.BigEndian.AppendUint16(b, uint16(height))
	b = binary.BigEndian.AppendUint16(b, uint16(width))
	b = append(b, byte(len(comps)/3))
	b = append(b, comps...)
	return append(b, strings.Join(rest, "")...)
}

func TestDamage(t *testing.T) {
	const (
		three = "\x01\x22\x00\x02\x11\x00\x03\x11\x00"
		codes = "\xff\xc4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // 0 is "no bits"
		scan  = "\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
	)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":         {nil, "it ends too early"},
		"another file":    {[]byte("GIF89a"), "it does not begin like one"},
		"no frame":        {[]byte("\xff\xd8" + scan), "no frame header before the picture data"},
		"no scan":         {frameOf(0xc0, 8, 8, three, "\xff\xd9"), "no picture data before its end"},
		"two frames":      {append(frameOf(0xc0, 8, 8, three), frameOf(0xc0, 8, 8, three)[71:]...), "a second frame header"},
		"no size":         {frameOf(0xc0, 0, 8, three, scan), "it claims 0×8 pixels"},
		"too large":       {frameOf(0xc0, 65535, 65535, three, scan), "which its "},
		"two components":  {frameOf(0xc0, 8, 8, three[:6], scan), "JPEG of 2 components is not read"},
		"same names":      {frameOf(0xc0, 8, 8, three[:6]+three[3:6], scan), "two components are called 2"},
		"factor 0":        {frameOf(0xc0, 8, 8, "\x01\x02\x00"+three[3:], scan), "sampled 0×2"},
		"factor 5":        {frameOf(0xc0, 8, 8, "\x01\x25\x00"+three[3:], scan), "sampled 2×5"},
		"factors 3 and 2": {frameOf(0xc0, 8, 8, "\x01\x33\x00\x02\x22\x00\x03\x11\x00", scan), "sampled 2×2 beside 3×3 is not read"},
		"a large MCU":     {frameOf(0xc0, 8, 8, "\x01\x44\x00"+three[3:], scan), "a scan of 18 blocks in an MCU"},
		"lossless":        {frameOf(0xc3, 8, 8, three, scan), "JPEG of kind SOF3 is not read"},
		"arithmetic":      {frameOf(0xc9, 8, 8, three, scan), "JPEG of kind SOF9 is not read"},
		"no such table":   {frameOf(0xc0, 8, 8, "\x01\x22\x03"+three[3:], scan), "quantisation table 3 is missing"},
		"table 4":         {frameOf(0xc0, 8, 8, "\x01\x22\x04"+three[3:], scan), "uses quantisation table 4"},
		"no code":         {frameOf(0xc2, 8, 8, three, "\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x00\x00"), "a Huffman table is missing"},
		"too many codes":  {frameOf(0xc0, 8, 8, three, "\xff\xc4\x00\x16\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02", scan), "more codes than there can be"},
		"code of 16 bits": {frameOf(0xc0, 8, 8, three, codes[:21]+"\x10", scan), "one of 16 bits"},
		"table cut":       {frameOf(0xc0, 8, 8, three, "\xff\xc4\x00\x05abc", scan), "a Huffman table is cut short"},
		"DRI":             {frameOf(0xc0, 8, 8, three, "\xff\xdd\x00\x03a", scan), "its restart interval is of 1 bytes"},
		"no data":         {frameOf(0xc0, 8, 8, three, codes, scan, "\xff\xd9"), "marker 0xd9 in the middle of its data"},
		"unknown":         {frameOf(0xc0, 8, 8, three, scan[:5]+"\x07"+scan[6:]), "a scan of component 7"},
		"twice":           {frameOf(0xc0, 8, 8, three, scan[:7]+"\x01"+scan[8:]), "a scan of component 1 twice"},
		"a bad code":      {frameOf(0xc0, 8, 8, three, codes, scan, strings.Repeat("\x7f\xff\x00", 90), "\xff\xd9"), "a code that its Huffman table has not"},
		"one component":   {frameOf(0xc0, 8, 8, three, codes, codes[:4]+"\x10"+codes[5:], "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9"), "no data of component 2"},
		"a scan again":    {frameOf(0xc2, 8, 8, three, strings.Repeat(codes+"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x00", 2), "\xff\xd9"), "a scan of bits 0 to 0 of coefficient 0"},
	} {
		_, err := decoded(c.file, 1000)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %s", name, err, c.want)
		}
	}
	// A restart marker out of turn.
	file := sampleFile(t, "-restart", "1")
	file[bytes.Index(file, []byte{0xff, 0xd1})+1] = 0xd3
	if _, err := decoded(file, 1000); err == nil || !strings.Contains(err.Error(), "marker 0xd3 where restart marker 0xd1 should be") {
		t.Error(err)
	}
}

// What a file costs goes with its size.
func TestCost(t *testing.T) {
	const many = 1 << 20
	one := "\x01\x11\x00"
	codes := "\xff\xc4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	// A scan of DC, whose first byte is data and whose rest is missing; one of AC of runs of 32767 blocks.
	dc := "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"
	ac := "\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe0" + "\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00"
	scans := codes + dc + strings.Repeat("\x00", 9000) + strings.Repeat(ac+strings.Repeat("\x7f\xfe", 20), 2000)
	for name, file := range map[string][]byte{
		"padding":         append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff}, many)...),
		"junk":            append([]byte("\xff\xd8"), bytes.Repeat([]byte{0x5a}, many)...),
		"empty segments":  append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff, 0xe5, 0, 2}, many/4)...),
		"tables":          append([]byte("\xff\xd8"), bytes.Repeat([]byte(codes), many/len(codes))...),
		"restart markers": frameOf(0xc0, 8000, 8000, one, codes, codes[:4]+"\x10"+codes[5:], "\xff\xdd\x00\x04\x00\x01", "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00", strings.Repeat("\xff\xd0\xff\xd1", many/4)),
		"progressive":     frameOf(0xc2, 8000, 8000, one, codes, dc, strings.Repeat("\x00", 1<<17)),
		"scans":           frameOf(0xc2, 4000, 1100, one, scans),
		"profile":         append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xe2\x00\x12ICC_PROFILE\x00\x01\xffab"), many/20)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		if p, err := decoded(file, 1); err == nil && name != "progressive" {
			t.Errorf("%s: taken for a picture of %d×%d", name, p.width, p.height)
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 256<<20 {
			t.Errorf("%s: %d bytes of file took %d MiB of memory", name, len(file), spent>>20)
		}
		if took > 10*time.Second {
			t.Errorf("%s: %d bytes of file took %v", name, len(file), took)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, args := range [][]string{nil, {"-progressive"}, {"-restart", "1"}, {"-grayscale"}, {"-progressive", "-restart", "3B", "-sample", "1x2"}, {"-rgb"}, {"-sample", "4x2", "-arithmetic"}} {
		f.Add(sampleFile(f, args...))
	}
	files := scratchtest.New(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil || m.Memory() > 16<<20 {
			return
		}
		p := newPicture(m.Width, m.Height, m.Channels)
		s, err := m.Stream()
		if err != nil {
			return
		}
		err = s.ReadRows(p.rows())
		s.Close()
		if s, errIn := m.StreamIn(0, files.Make); m.buffered() && errIn == nil {
			spilled, errIn := rowsOf(m, s, m.Height)
			if fmt.Sprint(err) != fmt.Sprint(errIn) || err == nil && !bytes.Equal(spilled.data, p.data) {
				t.Errorf("%v, but with a scratch file %v", err, errIn)
			}
		}
		if err != nil {
			return
		}
		y := m.Height / 2
		part := newPicture(m.Width, m.Height-y, m.Channels)
		if err := m.ReadRows(y, part.rows()); err == nil && !bytes.Equal(part.data, p.data[y*m.Width*m.Channels:]) {
			t.Error("rows read alone differ")
		}
	})
}
