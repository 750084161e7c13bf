// Package bench measures Halorun. The scripts beside it run Halorun's peers for comparison.
package bench
