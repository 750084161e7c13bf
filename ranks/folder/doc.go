// Package folder is the program that every rank runs where the input is a folder of pictures, or a list of them.
//
// The way of the data, one file a step:
//
//	list ──► deal ──► [ open ──► compute ──► store ] per picture ──► journal
//	the       the      any lane of any rank: whole pictures,          the head
//	launcher  head     or, at the end, all ranks: one large picture
//
// The launcher lists the pictures (list.go, names.go) and appends them to a file that the head follows, so that work begins before the end of a list
// that comes from a stream. Each lane (thread) of each rank asks the head for a picture when it has none, and for the next one while
// it still works (deal.go). The head deals them out longest first within a window of 1,000, by the size of their files. A lane reads, computes and
// encodes its picture alone, tile by tile (lane.go, picture.go). While it does so, its next picture is being opened and read ahead, and the one before
// is being put in place. There is no barrier between pictures.
//
// A picture proves large when its header is read: it has more than Job.Large pixels, and there is more than one lane; or it takes more memory
// than the share of one rank. Large ones are given back, and done when all others are, one after the other, by all ranks together with the
// program of package ranks (large.go), each in a world of its own, so that a bad one takes nothing with it.
//
// What the lanes of a rank are at together takes no more memory than Job.Memory; what of a file of several pages is a picture is up to the list:
// an Entry may have a page.
//
// Who can open the head's file itself does: on the head's host by device and inode, elsewhere by raster.Identity. Others get its bytes from the
// head. Who can write the head's output folder, which is proved by a mark in it, writes there; others send the file's bytes to the head
// (remote.go, store.go). Either way a picture is written under a temporary name in Job.Temp, a folder within the output folder, and renamed.
//
// When a member is lost, the others give up what they are at; in the next epoch they first tell the head what they had put in place without its
// knowledge, and the head deals out the rest. A new head learns from the journal what is done, and who had what: a picture at which its member
// was lost is suspect, and is done alone, one at a time in a rank; if it ends that as well, it fails (blame.go).
//
// # Laws
//
// The file of a picture is that of a job about it alone, byte for byte: whoever computes it, in whatever order, whoever dies.
//
// A picture has its final name only when it is complete. It is recorded as done only when it has. What is recorded is not done again, in this
// attempt or a later one, as long as its output is there with the size recorded, and its input is what it was.
//
// A picture that was not alone at work in a rank that was lost does not fail for that.
//
// Every picture of the list ends as done or failed, once. One that is bad fails with its reason and stops no other. Errors of the disk or the
// network are tried again, three times; what the picture itself is wrong about is not.
package folder
