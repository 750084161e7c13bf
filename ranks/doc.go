// Package ranks is the program that every rank of a job runs (SPMD: one program, many data).
//
// The way of the data, one file a step:
//
//	 INPUT                                                                                  OUTPUT
//	   │                                                                                      ▲
//	   ▼                                                                                      │
//	source ──► scatter ──► [ halo ──► kernels ──► decision ] per stage ──► gather ──► sink ───┘
//	the head   tiles to    rows of     a stage's    in agreement           tiles in    the head
//	or all     owners      neighbours  pipeline     with all ranks         order       or all
//
// A tile is a run of whole rows. The head is the member of the world on the machine where Halorun was started, whose files INPUT
// and OUTPUT are; it is the source and the sink, be it a rank or one member more. It decides in a Plan which tiles there are, who
// computes each, and who reads and writes the files itself; everybody else is given rows by the source and gives rows to the sink. A rank
// computes on one or more lanes (threads), each of which walks its own runs of rows from top to bottom.
//
// The stage before a global decision (Canny's hysteresis) ends in a kernels.Decision, which holds the ranks' rows in a
// compact form, settles them among all ranks, and is what the next stage reads from, wherever its rows are.
//
// On other hosts the paths of INPUT and OUTPUT may lead anywhere. A member takes a file there for the head's only with proof
// (raster.Identity, and for OUTPUT a mark that the head has written into it); failing that, its rows come from the source and go
// to the sink. Where members on several hosts write OUTPUT, a block of it that holds rows of more than one is written by the head.
//
// When a member is lost, the others keep what they have (standing.go), a new one reads what the lost one has left in the ledger
// (restore.go), all tell the head, and its plan for the next epoch covers what is missing.
//
// The bytes of OUTPUT are a function of the picture, the chain and the output's options alone: not of the number of ranks
// or lanes, nor of the tile height, nor of who reads and writes.
package ranks
