package tiff

import (
	"container/list"
	"sync"
)

// cache keeps the pixels of decoded cells. A cell that several ask for at once is decoded by one of them.
type cache struct {
	mu    sync.Mutex
	limit int64
	bytes int64
	cells map[int64]*cachedCell
	order *list.List // of *cachedCell, the last used first
	free  sync.Pool  // of *[]byte
}

type cachedCell struct {
	number int64
	bytes  int64
	users  int
	once   sync.Once
	pixels []byte
	err    error
	place  *list.Element
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, cells: make(map[int64]*cachedCell), order: list.New()}
}

// use calls do with the pixels of a cell, which make makes in a buffer of n bytes if they are not there. Only what keep says stays.
func (c *cache) use(number int64, n int, keep bool, make func([]byte) error, do func([]byte)) error {
	c.mu.Lock()
	e, ok := c.cells[number]
	if !ok {
		e = &cachedCell{number: number, bytes: int64(n)}
		c.cells[number], e.place = e, c.order.PushFront(e)
		c.bytes += int64(n)
		c.evict()
	} else {
		c.order.MoveToFront(e.place)
	}
	e.users++
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
	if e.users--; !keep && e.place != nil {
		c.order.MoveToBack(e.place)
	}
	if e.err != nil && e.place != nil {
		c.drop(e)
	}
	if e.place == nil && e.users == 0 && e.pixels != nil {
		c.free.Put(&e.pixels)
	}
	return err
}

// has tells whether a cell is there, or on the way.
func (c *cache) has(number int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cells[number] != nil
}

// evict drops what was not used for longest, until there is room.
func (c *cache) evict() {
	for at := c.order.Back(); at != nil && at != c.order.Front() && c.bytes > c.limit; {
		e := at.Value.(*cachedCell)
		at = at.Prev()
		if e.users == 0 {
			c.drop(e)
			if e.pixels != nil {
				c.free.Put(&e.pixels)
			}
		}
	}
}

func (c *cache) drop(e *cachedCell) {
	c.order.Remove(e.place)
	e.place = nil
	delete(c.cells, e.number)
	c.bytes -= e.bytes
}

func (c *cache) buffer(n int) []byte {
	if b, _ := c.free.Get().(*[]byte); b != nil && cap(*b) >= n {
		return (*b)[:n]
	}
	return make([]byte, n)
}
