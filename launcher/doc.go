// Package launcher starts the processes of a job, watches them, and ends them.
//
//	halorun run ──fork──► halorun agent ──fork──► halorun rank × n
//	     control over the agent's stdin/stdout     control over a socket pair, descriptor 3
//
// The launcher (Run) is in the process that the user started. An agent (Agent) is the one helper process of a host: it
// starts the host's ranks and forwards their messages, their output line by line, and how they ended. A rank process
// calls Attach to learn who it is and to meet the others. What the job is about passes through as opaque bytes.
//
// Who ends whom, so that nobody outlives the one who started it:
//
//	launcher dies    its agents' streams end, and the kernel sends SIGTERM: they kill their ranks and remove Config.Remove
//	agent dies       the kernel kills its ranks; the launcher sees its stream end
//	rank dies        its agent reports it; the launcher stops the job
//	job is stopped   ranks are told and have a moment to say how far they came; then they are killed
//
// Agents and ranks have process groups of their own, so a terminal's ^C reaches the launcher only.
package launcher
