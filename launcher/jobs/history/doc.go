// Package history records each attempt at a job, with its outcome, what happened and what was said, in a database.
//
//	         the launcher's process                         any process: halorun jobs, halorun logs, a later job
//	watch.Board ──► Recorder ──► spool file ──► Courier ──► Store: SQLite, PostgreSQL or MongoDB ──► listings
//
// A job never waits for a database. Its Recorder appends lines of JSON to a private file, the spool, one for each attempt. A Courier brings
// what is there into the Store: that of the job itself, once the job lasts a while or a database was named, and that of whoever reads the
// history. So a job of some milliseconds does not even open the database, and what could not be delivered, since the database was locked, down
// or broken, waits for the next one who comes. Entries are numbered by their place in the spool, which makes it harmless to bring them twice.
//
// The launcher has a lock on its spool file as long as it lives. A spool without lock and without an end is that of a launcher that was killed.
// For databases that other machines look into, a running job renews the time at which it was seen.
//
// The ledger of package jobs is the authority on what can be resumed; this is an index that can be thrown away at any time.
package history
