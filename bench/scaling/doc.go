// Package scaling measures how a job's time depends on the number of ranks, and what that says of far more of them.
//
//	Plan ──► Measure: rounds of real jobs, started as users start them ──► Study ──► table, JSON, CSV, plots, page
//	                                                                         │
//	                                                     empty jobs, links ──┴─► Model: forecast
//
// In strong scaling all numbers of ranks have the same picture, in weak scaling each rank has as much of it.
//
// Karp-Flatt: A. H. Karp and H. P. Flatt, “Measuring parallel processor performance”, CACM 33(5), 1990. Scaled speed-up: J. L. Gustafson,
// “Reevaluating Amdahl's law”, CACM 31(5), 1988. Network: R. W. Hockney, “The communication challenge for MPP”, Parallel Computing 20(3), 1994.
package scaling
