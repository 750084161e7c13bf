package ledger

import "sync"

// buffers are of tiles, which are large and come all the time.
type buffers struct{ pool sync.Pool } // of *[]byte

// borrow returns n bytes, of any value.
func (p *buffers) borrow(n int) *[]byte {
	b, ok := p.pool.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return b
}

func (p *buffers) giveBack(b *[]byte) { p.pool.Put(b) }
