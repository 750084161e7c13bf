// Package watch gathers what is known of a job while it runs, for those who show it, keep it or serve it.
//
//	the launcher's callbacks, log records ──► Board ──► Snapshot: how things are     (progress, top, metrics)
//	                                             └────► Subscribe: what has happened (history)
//
// A Board never waits for who watches: a queue that is full loses what comes but the job's end, and counts it.
package watch
