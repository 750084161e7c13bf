// Package monitor serves how a job is, to those who may know.
//
//	                        ┌── Server: a Unix socket in a folder that only the user can enter ◄── Local ◄── Top, which halorun top is
//	watch.Board ──Snapshot──┤
//	                        └── Metrics: /metrics for Prometheus, /healthz, over HTTP on loopback
//
// Whoever asks costs the job a snapshot, and nothing more: a client that does not read is dropped, and without clients nothing is done.
package monitor
