package commtest

import "sync/atomic"

// Fate is when a member dies: at its so many-th step. It does so once.
type Fate struct {
	steps atomic.Int64 // left; never, if negative
	die   atomic.Pointer[func()]
}

// NewFate returns that of a member who lives on.
func NewFate() *Fate {
	f := new(Fate)
	f.steps.Store(-1)
	return f
}

// By says how the member dies.
func (f *Fate) By(die func()) { f.die.Store(&die) }

// After makes the member die at its n-th step from now on.
func (f *Fate) After(n int64) { f.steps.Store(n) }

// Step is called at each of the member's steps.
func (f *Fate) Step() {
	if f.steps.Add(-1) == 0 {
		if die := f.die.Load(); die != nil {
			(*die)()
		}
	}
}
