// Package control is the protocol between launcher, agent and rank. It runs on any duplex stream: the pipes of a child
// process, a socket pair, ssh.
//
//	launcher ── Start, Table, Gone, Release, Stop ────────────► agent ── Welcome, Table, Gone, … ─► rank
//	   ◄─ Hello, Started, Attached, Fence, Line, Finished, Exited, … ──  ◄─ Attached, Fence, Finished, … ──
//
// Start begins an epoch: it says which members are which ranks. When one is lost, Gone says so and the next Start follows.
//
// Each direction begins with a line that names the protocol and its version, so that whatever a login shell prints
// before can be skipped, and strangers are noticed. Then come messages:
//
//	 0        4      5
//	┌────────┬──────┬─────────────┐
//	│ length │ kind │ body (JSON) │   length: of the body, in bytes, big-endian, at most 16 MiB
//	└────────┴──────┴─────────────┘
//
// Bootstrap has PMI's shape (Balaji et al., "PMI: A Scalable Parallel Process-Management Interface for Extreme-Scale
// Systems", EuroMPI 2010). A rank's Fence carries what the others need to know of it; when all ranks of the epoch have
// come to the fence, each gets the Table of all that was put.
package control
