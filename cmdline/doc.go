// Package cmdline knows what the commands and their flags are, and makes of them what else speaks of them: environment variables, completions for
// shells, the man page and the reference. A new command or flag is in all of these by itself.
//
// What a flag takes it finds by the placeholder in its usage: a file by FILE, a folder by DIR, an operation by OP, a job by JOB, several by LIST; and
// the arguments of a command by its ArgsUsage. Limits of values stand at the flags, too: Within, AtLeast, Matching, OneOf.
package cmdline
