// Package kernels holds the picture operations, and the contract that an operation keeps.
//
// A user's operation (Definition) builds one or more primitive ops; a chain of them is cut into stages, each of which a
// Pipeline computes a few rows at a time:
//
//	"sharpen edges"  ─►  [ gaussian · conv3×3 · gray · canny ]  ─►  decision (hysteresis)  ─►  …
//	  chain                          stage                            among all ranks
//
// An op is told which rows it reads, which rule holds beyond the picture's edge, and works on whole rows; it knows of no
// tiles, ranks or network. Samples are 8 bits, and results those of OpenCV 4.6, bit by bit unless an operation's documentation says ±1.
// Every op has a slow float64 reference on mat.Dense that judges its fast path.
//
// An operation is a file of its name: its parameters, its line of documentation, and the ops that it builds. What several have in
// common, and what makes them fast, is beside them:
//
//	the contract       op (what an op is), definition, parse (chains)
//	what runs it       pipeline (windows of rows), memory (whole pictures), simd (which instructions)
//	single pixels      pointwise, lookup (tables), matrix (of colours); levels (what needs the picture's histogram)
//	whole kernels      convolve (a Convolution), which chooses:
//	                     binomial (blurs of 3 and 5) · gauss, twopass (other blurs) · direct, small (all others)
//	any kernel         conv, convtext (what users write), convscheme, which chooses:
//	                     direct · convsums (in float32 or float64)
//	sums of rows       weigh (in 16-bit lanes), wide (in 32), words (eight samples in a word of 64 bits)
//	squares            box · morphology, minmax · median, mediannetwork, medianhistograms · bilateral
//	Canny              edges (the op), cannyvector (gradients, labels), cannyreference; hysteresis, bitplanes (the decision)
//
// A fast path is Go, and assembly for those instruction sets that are worth it: NAME_amd64.s, which _asm/NAME.go writes, with its Go
// declarations in NAME_amd64.go; assembly_other.go stands for it elsewhere, and is written with it. NEON is in pointwise_arm64.s.
//
// Of the tests, laws_test and golden_test find every operation by themselves. The others hold routines to the plain loops that they
// stand for, and guard_test has what shows that they touch nothing else.
package kernels
