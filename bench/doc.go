// Package bench measures Halorun: its kernels, whole jobs beside earlier versions, and beside other programs. The scripts beside it measure more.
package bench
