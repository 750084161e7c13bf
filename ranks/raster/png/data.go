package png

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// dataReader reads the data of consecutive IDAT chunks, and checks their checksums.
type dataReader struct {
	file *bufio.Reader
	at   int64 // where file stands
	now  chunk
	left int64 // of now
	sum  uint32
	err  error // for good
}

// Read implements io.Reader. Behind the last chunk the error is io.EOF.
func (d *dataReader) Read(p []byte) (int, error) {
	for d.err == nil && d.left == 0 {
		d.err = d.next()
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.file.Read(p[:min(int64(len(p)), d.left)])
	d.sum = crc32.Update(d.sum, crc32.IEEETable, p[:n])
	d.left -= int64(n)
	d.at += int64(n)
	if err != nil {
		d.err = readError(err)
	}
	return n, d.err
}

// next goes to the next chunk.
func (d *dataReader) next() error {
	if d.now.kind != "" {
		b, err := d.take(4)
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint32(b) != d.sum {
			return errChecksum(d.now)
		}
	}
	b, err := d.take(8)
	if err != nil {
		return err
	}
	if d.now, err = parseHead(b, d.at); err != nil {
		return err
	}
	if d.now.kind != "IDAT" {
		return io.EOF
	}
	d.left, d.sum = d.now.n, crc32.ChecksumIEEE(b[4:])
	return nil
}

// take returns the next n bytes of the file, until it is read on.
func (d *dataReader) take(n int) ([]byte, error) {
	b, err := d.file.Peek(n)
	if err != nil {
		return nil, readError(err)
	}
	_, _ = d.file.Discard(n) // they are there
	d.at += int64(n)
	return b, nil
}

// inflater inflates picture data.
type inflater struct {
	data  dataReader
	bytes *bufio.Reader // of data
	flate io.ReadCloser
}

const (
	fileBuffer = 128 << 10
	dataBuffer = 32 << 10
)

var inflaters = sync.Pool{New: func() any {
	f := &inflater{bytes: bufio.NewReaderSize(nil, dataBuffer)}
	f.data.file = bufio.NewReaderSize(nil, fileBuffer)
	f.flate = flate.NewReader(f.bytes)
	return f
}}

// newInflater begins to inflate the data of the chunks that begin at a place of a file. close gives it back.
func newInflater(src io.ReaderAt, at, size int64) *inflater {
	f := inflaters.Get().(*inflater)
	f.data = dataReader{file: f.data.file, at: at}
	f.data.file.Reset(io.NewSectionReader(src, at, size-at))
	f.bytes.Reset(&f.data)
	return f
}

func (f *inflater) close() {
	f.data.file.Reset(nil)
	inflaters.Put(f)
}

// begin reads what precedes deflate in a zlib stream.
func (f *inflater) begin() error {
	b, err := f.bytes.Peek(2)
	if err != nil {
		return inflateError(err)
	}
	switch {
	case b[0]&0xf != 8 || b[0]>>4 > 7 || binary.BigEndian.Uint16(b)%31 != 0:
		return damagef("its picture data begins with %q, which is no zlib stream", b)
	case b[1]&0x20 != 0:
		return Damage("its picture data needs a dictionary")
	}
	_, _ = f.bytes.Discard(2) // they are there
	return f.flate.(flate.Resetter).Reset(f.bytes, nil)
}

// end checks what comes behind the last row. sum is what the Adler-32 of all rows should be; nobody can tell if more follows.
func (f *inflater) end(sum uint32) error {
	var b [1]byte
	_, err := io.ReadFull(f.flate, b[:])
	if err != nil && err != io.EOF {
		return inflateError(err)
	}
	if err == io.EOF {
		b, err := f.bytes.Peek(4)
		switch {
		case err == io.EOF:
			return Damage("its picture data ends before its checksum")
		case err != nil:
			return inflateError(err)
		case binary.BigEndian.Uint32(b) != sum:
			return Damage("the checksum of its picture data is wrong")
		}
	}
	if _, err := io.Copy(io.Discard, &f.data); err != nil {
		return inflateError(err)
	}
	return nil
}
