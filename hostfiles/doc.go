// Package hostfiles reads lists of hosts and places ranks on them.
//
// A hostfile has one host a line, in Open MPI's syntax or in that of MPICH's Hydra, also mixed:
//
//	# comment
//	vm1 slots=4 max_slots=8        Open MPI
//	vm2:4                          Hydra
//	vm[03-16,20] slots=4           fourteen hosts and one more
//	azure@vm21 port=2222           or user=azure; else ssh's own configuration says
//	2001:db8::7 slots=2            or [2001:db8::7]:2
//
// Without a number a host has one slot. Slots of a host that is named again are added.
package hostfiles
