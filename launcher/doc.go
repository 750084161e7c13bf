// Package launcher starts the processes of a job on its hosts, watches them, and ends them.
//
//	halorun run ──fork──► halorun agent ──fork──► halorun rank × n        this machine
//	     │ control over the agent's stdin/stdout     control over a socket pair, descriptor 3
//	     └──ssh──► halorun agent ──fork──► halorun rank × n               another host
//	                    └──ssh──► halorun agent …                         beyond Config.Fanout hosts, in a tree
//
// The launcher (Run) is in the process that the user started. An agent (Agent) is the one helper process of a host: it
// starts the host's ranks and forwards their messages, their output line by line, and how they ended. A rank process
// calls Attach to learn who it is and to meet the others. What the job is about passes through as opaque bytes.
//
// The way to an agent:
//
//	connect.go   which host is reached from where; one attempt, its deadline, the agent's Hello
//	ssh.go       ssh's arguments, and what its complaints mean
//	stage.go     the script that a host's shell runs; sending the program to a host that lacks it
//	relay.go     ssh run by an agent on the launcher's behalf
//
// Who ends whom, so that nobody outlives the one who started it:
//
//	launcher dies    its agents' streams end, and the kernel sends a signal here: they kill their ranks and remove Config.Remove
//	ssh dies         the same at its other end; the launcher sees the stream end
//	agent dies       the kernel kills its ranks; the launcher sees its stream end
//	rank dies        its agent reports it; the launcher has another one take its place, or stops the job
//	rank hangs       its agent pings it, and kills it after Config.Heartbeat of silence
//	cable is cut     launcher and agent ping each other; the launcher gives up after Config.Heartbeat of silence, the agent before
//	job is stopped   ranks are told and have a moment to say how far they came; then they are killed
//
// The members of a job at a time are an epoch. When one is lost the launcher tells the others (Gone), finds somebody to take its place, and
// begins the next epoch (Start) with a fresh key. Ranks learn of both through their Membership. See job.go.
//
// Agents and ranks have process groups of their own, so a terminal's ^C reaches the launcher only.
package launcher
