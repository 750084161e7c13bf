// Package progress tells how far a job is: on a terminal in one live view, elsewhere in a plain line now and then, or for other programs as
// JSON lines.
//
//	watch.Board ──Snapshot──► Meter ──► Standing ──► View    a bar that stays below all else on the terminal
//	                                            ├──► Plain   a line every ten seconds
//	                                            └──► Stream  JSON lines, with all that happens ◄── whoever knows of it
//
// A [Console] is stderr for all of them, and for whatever else is said there: lines go above the view.
package progress
