package jpeg

// coefficients are those of a component, by rows of blocks, which are made when they are wanted first.
type coefficients struct {
	size int // of a row, in coefficients, with a block more than there are
	rows [][]int16
}

// newCoefficients makes those of a component with so many blocks.
func newCoefficients(across, down int) *coefficients {
	return &coefficients{size: 64 * (across + 1), rows: make([][]int16, down)}
}

// get returns a row.
func (c *coefficients) get(y int) []int16 {
	if c.rows[y] == nil {
		c.rows[y] = make([]int16, c.size)
	}
	return c.rows[y]
}
