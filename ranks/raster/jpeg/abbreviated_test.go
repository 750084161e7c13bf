package jpeg

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// apart divides a file into a stream of its tables and one without them.
func apart(file []byte) (tables, data []byte) {
	tables, data = []byte("\xff\xd8"), []byte("\xff\xd8")
	for file = file[2:]; file[1] != markerSOS; {
		n := 2 + int(binary.BigEndian.Uint16(file[2:]))
		if file[1] == markerDQT || file[1] == markerDHT {
			tables = append(tables, file[:n]...)
		} else {
			data = append(data, file[:n]...)
		}
		file = file[n:]
	}
	return append(tables, "\xff\xd9"...), append(data, file...)
}

func abbreviated(data, tables []byte, ycc bool) (*picture, error) {
	m, err := ParseAbbreviated(bytes.NewReader(data), int64(len(data)), tables, ycc)
	if err != nil {
		return nil, err
	}
	s, err := m.Stream()
	if err != nil {
		return nil, err
	}
	return rowsOf(m, s, 10)
}

// Tables that come for themselves are as good as those of the file; a format around it has the last word on colours.
func TestAbbreviated(t *testing.T) {
	for _, args := range [][]string{{}, {"-grayscale"}, {"-progressive"}, {"-optimize", "-sample", "1x1"}} {
		file := sampleFile(t, args...)
		tables, data := apart(file)
		got, err := abbreviated(data, tables, true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "with tables", got, mustDecode(t, file))
		got, err = abbreviated(file, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "with its own", got, mustDecode(t, file))
	}
	// What is RGB is delivered as if it were, and the same bytes as luma and chroma are other colours.
	rgb := sampleFile(t, "-rgb")
	got, err := abbreviated(rgb, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "RGB", got, mustDecode(t, rgb))
	if got, err = abbreviated(rgb, nil, true); err != nil || bytes.Equal(got.data, mustDecode(t, rgb).data) {
		t.Error("RGB as YCbCr", err)
	}
	// Four components, all of the same table.
	const four = "\x01\x11\x00\x02\x11\x00\x03\x11\x00\x04\x11\x00"
	const codes = "\xff\xc4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	file := frameOf(0xc0, 8, 8, four, codes, codes[:4]+"\x10"+codes[5:], "\xff\xda\x00\x0e\x04\x01\x00\x02\x00\x03\x00\x04\x00\x00\x3f\x00\x00\x00", "\xff\xd9")
	m, err := ParseAbbreviated(bytes.NewReader(file), int64(len(file)), nil, false)
	if err != nil || m.Channels != 4 {
		t.Fatal(m, err)
	}
	if got, err = abbreviated(file, nil, false); err != nil || !bytes.Equal(got.data, bytes.Repeat([]byte{128}, 4*64)) {
		t.Errorf("%v: %v", err, got)
	}
	tables, data := apart(sampleFile(t))
	for name, c := range map[string]struct {
		tables, data []byte
		want         string
	}{
		"no tables":           {nil, data, "quantisation table 0 is missing"},
		"tables cut":          {tables[:30], data, "it ends too early"},
		"a picture as tables": {sampleFile(t), data, "there is a picture among its tables"},
		"no picture":          {nil, tables, "no picture data before its end"},
		"bad tables":          {[]byte("\xff\xd8\xff\xdb\x00\x03\x99"), data, "quantisation table 9 is of kind 9"},
	} {
		if _, err := abbreviated(c.data, c.tables, true); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAbbreviated(f *testing.F) {
	for _, args := range [][]string{nil, {"-progressive"}, {"-grayscale"}} {
		tables, data := apart(sampleFile(f, args...))
		f.Add(data, tables, true)
		f.Add(sampleFile(f, args...), []byte(nil), false)
	}
	f.Fuzz(func(t *testing.T, data, tables []byte, ycc bool) {
		m, err := ParseAbbreviated(bytes.NewReader(data), int64(len(data)), tables, ycc)
		if err == nil && m.Memory() < 16<<20 && m.Width*m.Height < 1<<22 {
			_, _ = abbreviated(data, tables, ycc)
		}
	})
}
