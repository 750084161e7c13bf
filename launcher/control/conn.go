package control

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

const (
	// version rises whenever a message changes its meaning.
	version = 3
	// mark begins the line that opens a stream. It begins with a newline so that it is found after an unfinished line, too.
	mark = "\nhalorun "
	// greeting, with the version and a newline, is that line.
	greeting = mark + "control "
	// maxNoise is how much may come before the greeting, in bytes.
	maxNoise = 64 << 10
	// maxBody is more than the largest message takes, the table of thousands of ranks.
	maxBody = 16 << 20
	headLen = 5
)

// ErrProtocol is in the errors of Recv that are not the stream's: the other end is alive and speaks something else.
var ErrProtocol = errors.New("not the control protocol")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrProtocol, fmt.Errorf(format, args...))
}

// Conn sends and receives messages on a stream.
type Conn struct {
	r     *bufio.Reader
	begun bool // the greeting has been read

	mu     sync.Mutex // of what Send uses
	w      io.Writer
	opened bool // the greeting has been written
	broken error

	close func()
}

// NewConn returns a Conn that reads r and writes w, which may be the same.
func NewConn(r io.ReadCloser, w io.WriteCloser) *Conn {
	return &Conn{r: bufio.NewReader(r), w: w, close: sync.OnceFunc(func() {
		// There is nothing to do about an error here, and nothing is lost: Send does not buffer.
		_ = r.Close()
		_ = w.Close()
	})}
}

// Close closes the stream. Pending Sends and Recvs end, if the stream's own Close ends its pending reads and writes.
func (c *Conn) Close() { c.close() }

// Send writes m, and waits as long as the stream takes for it. It is safe for concurrent use. After an error the stream
// is broken, and Send keeps returning that error.
func (c *Conn) Send(m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if len(body) > maxBody {
		return fmt.Errorf("control: a %T of %d bytes; at most %d are possible", m, len(body), maxBody)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	frame := make([]byte, 0, len(greeting)+8+headLen+len(body))
	if !c.opened {
		frame = fmt.Appendf(frame, "%s%d\n", greeting, version)
		c.opened = true
	}
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(body)))
	frame = append(frame, m.kind())
	frame = append(frame, body...)
	if _, err := c.w.Write(frame); err != nil {
		c.broken = fmt.Errorf("control: send %T: %w", m, err)
	}
	return c.broken
}

// Recv reads the next message. An error is ErrProtocol or means that the stream has ended, perhaps within a message. It is
// for one goroutine at a time.
func (c *Conn) Recv() (Message, error) {
	for !c.begun {
		if _, err := c.Await(); err != nil {
			return nil, err
		}
	}
	var head [headLen]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return nil, err
	}
	n, kind := binary.BigEndian.Uint32(head[:]), head[4]
	if n > maxBody {
		return nil, protocolError("a message claims %d bytes; at most %d are possible", n, maxBody)
	}
	if int(kind) >= len(made) || made[kind] == nil {
		return nil, protocolError("there is no message of kind %d", kind)
	}
	// The buffer grows with what really comes, not with what the length claims.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, c.r, int64(n)); err != nil {
		return nil, err
	}
	m := made[kind]()
	if err := json.Unmarshal(body.Bytes(), m); err != nil {
		return nil, protocolError("a %T that is not one: %w", m, err)
	}
	return m, nil
}

// Await reads up to the end of the next line that begins with the word halorun, and returns what follows that word. Most
// often that is the greeting, and Recv goes on from there; but a script that prepares a host for its agent may have something to
// say before.
func (c *Conn) Await() (string, error) {
	matched := 0
	for skipped := 0; matched < len(mark); skipped++ {
		if skipped == maxNoise+len(mark) {
			return "", protocolError("no greeting in the first %d bytes; does a login shell print that much?", maxNoise)
		}
		b, err := c.r.ReadByte()
		if err != nil {
			return "", err
		}
		// The mark's only newline is its first byte, so what mismatches can only begin it anew.
		switch b {
		case mark[matched]:
			matched++
		case mark[0]:
			matched = 1
		default:
			matched = 0
		}
	}
	const longest = 100
	var text []byte
	for len(text) <= longest {
		b, err := c.r.ReadByte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			// The next line may begin with the mark, too.
			return string(text), errors.Join(c.r.UnreadByte(), c.greeted(string(text)))
		}
		text = append(text, b)
	}
	return string(text), c.greeted(string(text))
}

// greeted takes note of the greeting.
func (c *Conn) greeted(line string) error {
	theirs, ok := strings.CutPrefix(line, greeting[len(mark):])
	if !ok {
		return nil
	}
	if theirs != strconv.Itoa(version) {
		return protocolError("the other end speaks version %q of the protocol, this one %q: use the same Halorun on all hosts",
			theirs, strconv.Itoa(version))
	}
	c.begun = true
	_, err := c.r.ReadByte() // the newline
	return err
}
