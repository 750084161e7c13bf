// Package journal is an append-only log of small records in a file: one process appends, any process reads, also while it grows.
//
//	Open ──► Log: Append, Sync
//	NewReader ──► Reader: Next, Next, … until there is nothing more, and again when there may be
//
// A record is a payload of up to 1 MiB, of which only its writer and reader know the meaning. Numbers are little-endian:
//
//	 0  magic   u32
//	 4  length  u32 (of the payload)
//	 8  sum     u64 (xxh64 of the payload)
//	16  seal    u64 (xxh64 of the above, seeded by the job's identity and the record's place in the file)
//	24  payload
//
// The seal tells that a record is whole, is of this job and stands where it was written. Whatever becomes of the file, a Reader gives
// records as they were appended, or not at all: what a dying process left half-written, or what was damaged later, is skipped, and hides no
// other record. A record that was appended survives the end of its process, and after a Sync that of the host.
package journal
