// Package scratch keeps what does not fit into memory in a file that is gone when it is closed.
package scratch
