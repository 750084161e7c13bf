// Package hostfiles owns the lists of hosts that jobs run on: sample files in Open MPI's syntax.
package hostfiles
