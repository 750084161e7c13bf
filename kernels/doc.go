// Package kernels holds the picture operations, and the contract that an operation keeps.
//
// A user's operation (Definition) builds one or more primitive ops; a chain of them is cut into stages, each of which a
// Pipeline computes a few rows at a time:
//
//	"sharpen edges"  ─►  [ gaussian · conv3×3 · gray · canny ]  ─►  decision (hysteresis)  ─►  …
//	  chain                          stage                            among all ranks
//
// An op is told which rows it reads, which rule holds beyond the picture's edge, and works on whole rows; it knows of no
// tiles, ranks or network. Samples are 8 bits and all arithmetic on them is in integers, bit-identical to OpenCV 4.6.
// Every op has a slow float64 reference on mat.Dense that judges its fast path.
package kernels
