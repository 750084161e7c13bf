// Package ledger is the durable record of finished tiles, so that after a crash only what is missing is redone.
//
// The ledger of a job on a host is a folder. Each process appends to segment files of its own there, and any process reads them
// all:
//
//	Create ──► Writer: Add, AddInput, Sync         FOLDER/NAME.0001.seg, FOLDER/NAME.0002.seg, …
//	Segments, Open ──► Segment: Entries, Inputs, Read
//
// A segment is a header, then records. Numbers are little-endian.
//
//	┌────────┬────────┬─────────────────┬────────┬────────┬───
//	│ header │ record │ payload         │ record │ record │ …
//	└────────┴────────┴─────────────────┴────────┴────────┴───
//
//	header                          record
//	 0  magic    8 bytes             0  magic    u32    32  rowBytes    u64
//	 8  version  u32, then 0 as u32  4  kind     u32    40  sum         u64 (xxh64 of the rows)
//	16  job      32 bytes            8  stage    u64    48  length      u64 (of the payload)
//	48  sum      u64 (of 0–47)      16  lo       u64    56  payloadSum  u64
//	                                24  hi       u64    64  seal        u64 (of 0–63)
//
// The payload of a tile is its rows, plain or compressed, or nothing if the rows are in the temporary output. The payload of a
// record of INPUT's checksums is those of groups lo to hi. Rows are compressed with S2, which takes a third of the time that Zstandard
// takes at its fastest, and makes of labels less than twice as much.
//
// The seal is the xxh64 of the record, seeded by the segment's header and the record's place. So a record proves by itself that it is
// of this job and stands where it was written. What lies between sealed records is skipped: a damaged record hides no other.
//
// A record that has been added survives the end of its process, and after a Sync that of the host. Whatever becomes of a segment, Open
// finds records as they were written, or does not find them.
package ledger
