// Package jobfile reads and writes the description of a job as YAML, or as JSON, which is YAML: INPUT, OUTPUT, the operations, and the flags of
// halorun run without their dashes.
//
//	input: in.tif
//	output: out.tif
//	ops: [blur:size=31, edges]
//	np: 8
//	timeout: 10m
//
// What keys there are and what they hold follows from the flags, and so does the JSON schema.
package jobfile
