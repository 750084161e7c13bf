package ranks

import "halorun/comm"

// Traffic adds up what a rank sends and receives in the worlds that it is in, one after the other.
type Traffic struct {
	Transport string // of the latest

	world   *comm.World
	earlier comm.Stats // of those before
}

// Enter notes that the rank uses another world.
func (t *Traffic) Enter(w *comm.World) {
	t.earlier = t.Stats()
	t.world, t.Transport = w, w.Transport()
}

// Stats returns the sums.
func (t *Traffic) Stats() comm.Stats {
	s := t.earlier
	if t.world != nil {
		now := t.world.Stats()
		s.Sent, s.Received = s.Sent+now.Sent, s.Received+now.Received
	}
	return s
}
