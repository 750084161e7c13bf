package progress

import (
	"io"
	"os"
	"sync"
)

// Console is stderr for all that is said there, in whole lines. While there is a view they go above it.
type Console struct {
	out *os.File

	mu     sync.Mutex
	screen *Screen // while there is a view
}

// NewConsole returns a console without a view.
func NewConsole(out *os.File) *Console { return &Console{out: out} }

var _ io.Writer = (*Console)(nil)

// Write prints whole lines.
func (c *Console) Write(b []byte) (int, error) {
	c.mu.Lock()
	screen := c.screen
	c.mu.Unlock()
	if screen == nil {
		return c.out.Write(b)
	}
	if err := screen.Print(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// show has the view's lines below all others, until it is called with nil.
func (c *Console) show(s *Screen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen = s
}

// AroundStop is to be called before this process stops itself, so that the shell has the terminal for itself. The function it returns is to be
// called afterwards.
func (c *Console) AroundStop() (after func()) {
	c.mu.Lock()
	screen := c.screen
	c.mu.Unlock()
	if screen == nil {
		return func() {}
	}
	screen.Hide()
	return screen.Reveal
}
