package tiff

import (
	"container/list"
	"sync"
)

// cache keeps the pixels of decoded cells. A cell that several ask for at once is decoded by one of them.
type cache struct {
	mu    sync.Mutex
	limit int64
	cells map[int64]*cachedCell
	wait  shelf     // those of which rows were not yet asked for
	done  shelf     // the others; a smaller part of the limit, so that their memory is soon used again
	free  sync.Pool // of *[]byte
}

// shelf keeps cells, the last used first.
type shelf struct {
	list  list.List // of *cachedCell
	bytes int64
}

type cachedCell struct {
	number int64
	bytes  int64
	users  int
	once   sync.Once
	pixels []byte
	err    error
	shelf  *shelf // nil once it is dropped
	place  *list.Element
}

func newCache(limit int64) *cache { return &cache{limit: limit, cells: make(map[int64]*cachedCell)} }

// use calls do with the pixels of a cell, which make makes in a buffer of n bytes if they are not there. more tells whether they will be wanted
// again, as far as the caller knows.
func (c *cache) use(number int64, n int, more bool, make func([]byte) error, do func([]byte)) error {
	c.mu.Lock()
	e, ok := c.cells[number]
	if !ok {
		e = &cachedCell{number: number, bytes: int64(n)}
		c.cells[number] = e
	}
	e.users++
	c.put(e, &c.wait)
	c.evict(&c.wait, c.limit)
	c.mu.Unlock()

	e.once.Do(func() {
		e.pixels = c.buffer(n)
		e.err = make(e.pixels)
	})
	if e.err == nil {
		do(e.pixels)
	}
	err := e.err

	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
	switch {
	case e.shelf == nil:
		c.reuse(e)
	case err != nil:
		c.drop(e)
	case !more:
		c.put(e, &c.done)
		c.evict(&c.done, c.limit/8)
	}
	return err
}

// has tells whether a cell is there, or on the way.
func (c *cache) has(number int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cells[number] != nil
}

// put makes a cell the first on a shelf.
func (c *cache) put(e *cachedCell, s *shelf) {
	if e.shelf != nil {
		e.shelf.list.Remove(e.place)
		e.shelf.bytes -= e.bytes
	}
	e.shelf, e.place = s, s.list.PushFront(e)
	s.bytes += e.bytes
}

// evict drops what was not used for longest, until there is room; the first stays.
func (c *cache) evict(s *shelf, limit int64) {
	for at := s.list.Back(); at != s.list.Front() && s.bytes > limit; {
		e := at.Value.(*cachedCell)
		if at = at.Prev(); e.users == 0 {
			c.drop(e)
		}
	}
}

func (c *cache) drop(e *cachedCell) {
	e.shelf.list.Remove(e.place)
	e.shelf.bytes -= e.bytes
	e.shelf = nil
	delete(c.cells, e.number)
	c.reuse(e)
}

// reuse frees the memory of a cell that is dropped, after its last user.
func (c *cache) reuse(e *cachedCell) {
	if e.users == 0 && e.pixels != nil {
		b := e.pixels
		e.pixels = nil
		c.free.Put(&b)
	}
}

func (c *cache) buffer(n int) []byte {
	if b, _ := c.free.Get().(*[]byte); b != nil && cap(*b) >= n {
		return (*b)[:n]
	}
	return make([]byte, n)
}
