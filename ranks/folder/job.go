package folder

import (
	"os"
	"time"

	"halorun/ranks"
	"halorun/ranks/journal"
	"halorun/ranks/raster"
)

// Job is what a job on many pictures asks for; every member gets the same, or what Elsewhere makes of it.
type Job struct {
	Ranks int `json:"ranks"` // as in ranks.Job
	Head  int `json:"head"`

	Output      string         `json:"output"` // the folder, absolute
	Temp        string         `json:"temp"`   // the folder for what is not complete, within Output
	Read        raster.Options `json:"read"`
	Ops         []string       `json:"ops"`
	Format      string         `json:"format"` // of all outputs; "": by their names
	Quality     int            `json:"quality"`
	Compression string         `json:"compression"` // of outputs of the format, as in ranks.Job
	Level       int            `json:"level"`
	TileRows    int            `json:"tile_rows"` // of large pictures
	Threads     int            `json:"threads"`   // lanes a rank
	Shrink      int            `json:"shrink"`
	Fsync       bool           `json:"fsync"`

	Large    int64  `json:"large"`     // pixels beyond which all ranks work on one picture
	Memory   int64  `json:"memory"`    // bytes that the pictures at work in a rank may take
	Limit    int64  `json:"limit"`     // bytes that a process may take for a large picture, as ranks.Job's Memory; 0: what its host can spare
	Scratch  string `json:"scratch"`   // as in ranks.Job
	FailFast bool   `json:"fail_fast"` // the first picture that fails ends the job
	Patience int    `json:"patience"`  // a picture fails when its rank has been lost so often, the last time with nothing else at work; below 2: never

	// Files that the head's host has inherited: the list, a pipe that says when there is more of it, and the journal.
	ListFD    int `json:"list_fd"`
	WakeFD    int `json:"wake_fd"`
	JournalFD int `json:"journal_fd"`

	ID    journal.ID    `json:"id"`
	Mode  string        `json:"mode"`  // one of ranks.Checkpoint's
	Every time.Duration `json:"every"` // in the mode ranks.CheckpointEvery
}

// Limits of a picture that one lane works on, unless somebody chooses others.
const (
	DefaultLarge  = 64 << 20  // pixels
	DefaultMemory = 256 << 20 // bytes a rank
	MinMemory     = 16 << 20  // the least of that which makes sense
)

// DefaultPatience is how often a rank may be lost over a picture, unless somebody chooses otherwise.
const DefaultPatience = 2

// Window is how many pictures are sorted at a time.
const Window = 1000

func (j *Job) lanes() int { return max(1, j.Threads) }

// ranks returns how many members of a world of the given size compute.
func (j *Job) ranks(size int) int {
	if j.Ranks == 0 {
		return size
	}
	return j.Ranks
}

// durable tells whether an output is on the disk before it counts as done.
func (j *Job) durable() bool { return j.Fsync || j.Mode == ranks.CheckpointAll }

// reading returns how a picture is read.
func (j *Job) reading(e *Entry) raster.Options {
	o := j.Read
	o.Memory, o.Scratch = j.Memory, func() (*os.File, error) { return ranks.ScratchFile(j.Scratch) }
	if e.Page > 0 {
		o.Page = e.Page
	}
	return o
}

// Elsewhere returns the job for a member that has inherited no files.
func (j Job) Elsewhere() Job {
	j.ListFD, j.WakeFD, j.JournalFD = 0, 0, 0
	return j
}

// Entry is a picture of the list.
type Entry struct {
	N       int    `json:"n"`              // its place in the list, from 1
	In      string `json:"in"`             // its path, absolute
	Page    int    `json:"page,omitempty"` // of a file of several, from 1; 0: what Job.Read says
	Out     string `json:"out"`            // where its output goes, below Job.Output
	Size    int64  `json:"size"`
	ModTime int64  `json:"mod_time"` // ns
	Device  uint64 `json:"device"`
	Inode   uint64 `json:"inode"`
	End     bool   `json:"end,omitempty"` // there are no more
}

// The states of a Record.
const (
	Done   = "done"
	Failed = "failed"
	large  = "large" // is given back
	// suspect is a picture whose rank has ended: Deaths tells how often, and Members which. It is recorded when that is known.
	suspect = "suspect"
)

// The kinds of failures.
const (
	BadData = "data" // the picture will never do
	IOError = "io"   // it may do another time
	// RankLost says that ranks ended that were at the picture: it may do with more memory.
	RankLost = "rank"
)

// Record is what the journal tells of a picture, or of the attempts at the job.
type Record struct {
	// Attempt begins an attempt: its name. Boot tells which boot of the machine it is in.
	Attempt string `json:"attempt,omitempty"`
	Boot    string `json:"boot,omitempty"`
	// Synced tells that all outputs recorded before are on the disk.
	Synced bool `json:"synced,omitempty"`
	// Epoch begins an epoch, in which nobody has a picture yet.
	Epoch uint32 `json:"epoch,omitempty"`
	// Dealt are the numbers of pictures that have gone to Members: to a lane of one, or, if it is Large, to all. Alone tells that these are suspect.
	Dealt   []int    `json:"dealt,omitempty"`
	Members []uint32 `json:"members,omitempty"`
	Large   bool     `json:"large,omitempty"`
	Alone   bool     `json:"alone,omitempty"`

	N       int    `json:"n,omitempty"`
	In      string `json:"input,omitempty"`
	Page    int    `json:"page,omitempty"` // as the Entry's
	Out     string `json:"output,omitempty"`
	Size    int64  `json:"size,omitempty"`     // of the input
	ModTime int64  `json:"mod_time,omitempty"` // of the input, ns
	Sample  []byte `json:"sample,omitempty"`   // checksum of parts of the input
	State   string `json:"state,omitempty"`
	Kind    string `json:"kind,omitempty"`   // of a failure
	Reason  string `json:"reason,omitempty"` // of a failure
	Bytes   int64  `json:"bytes,omitempty"`  // of the output
	Durable bool   `json:"durable,omitempty"`
	Width   int    `json:"width,omitempty"` // of the input
	Height  int    `json:"height,omitempty"`
	Rank    int    `json:"rank,omitempty"`
	Deaths  int    `json:"deaths,omitempty"`

	Notices []string `json:"notices,omitempty"` // of what is not carried over, for the user
	Seconds float64  `json:"seconds,omitempty"` // from when it was opened until it was in place
}

// ends tells whether the record is of a picture that is done or has failed.
func (r *Record) ends() bool { return r.State == Done || r.State == Failed }
