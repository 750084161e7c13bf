// Package comm is the world of ranks: messages between the identical processes of
// a job, collective calls among all of them, and the movement of rows. It knows
// no pixels.
//
//	scatter, halo, gather       Mover       who has which rectangle, who needs which
//	Barrier, Bcast, …           World       all ranks call it, in the same order
//	Send, Recv, Sendrecv        World       two ranks, matched by tag
//	────────────────────────────────────────────────────────────────────────
//	one link to every peer      link        matching, credits, order, errors
//	frames                      Link        from a Transport: TCP, or another
//
// A message of up to Config.EagerLimit bytes is sent at once, within a window of
// bytes that the receiver agrees to hold; it returns the credit when the message
// is received. A longer one, or one beyond the window, is announced first and
// goes when the receiver has a place for it:
//
//	Send                                             Recv
//	  ├── RTS (tag, id, size) ─────────────────────▶  │ matched by source and tag
//	  │  ◀───────────────────────── CTS (id, room) ──┤ a place is known
//	  ├── data, 512 KiB ───────────────────────────▶  │ read right into that place
//	  ├── data, 512 KiB ───────────────────────────▶  │
//	returns                                          returns
//
// Between two data frames other messages get their turn. Each link has a reader
// that always reads and never writes, so ranks that send to each other cannot
// block each other, and a peer that is slow to receive is never mistaken for one
// that is dead.
//
// # Failure
//
// Every call ends: with its context, after Config.CallTimeout, or as soon as its
// peer is lost. The error is a *RankError that names both ranks, their hosts and
// the operation. A World whose peer is lost is not repaired: the caller closes it,
// which ends the others' calls with it too, and joins a new one with the next
// epoch. Whoever knows of a loss before the links do says so with World.Lose, and
// every call ends at once. Frames and handshakes of another epoch are refused.
package comm
