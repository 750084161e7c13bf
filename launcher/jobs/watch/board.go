package watch

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"halorun/launcher"
)

// Job is what is known of a job from its beginning.
type Job struct {
	ID      string    `json:"job"`     // of what can be resumed; until it is Described, a new one
	Run     string    `json:"run"`     // of this attempt, which nothing else has
	Command []string  `json:"command"` // as it was typed
	Dir     string    `json:"dir"`     // in which
	Version string    `json:"version"`
	Began   time.Time `json:"began"`
	Input   string    `json:"input"`
	Output  string    `json:"output"`
	Ops     []string  `json:"ops"`
	Size    int       `json:"size"`  // ranks
	Hosts   []string  `json:"hosts"` // that ranks are to be on, in the order of ranks, each once
}

// Picture is what INPUT's header told; zero for many pictures.
type Picture struct {
	Width    int `json:"width"`
	Height   int `json:"height"`
	Channels int `json:"channels"`
}

// States of a job.
const (
	Starting    = "starting"
	Running     = "running" // once it is Described
	Done        = "done"
	Failed      = "failed"
	Interrupted = "interrupted"
	Timeout     = "timeout"
)

// States are all states of a job.
func States() []string { return append(Alive(), Done, Failed, Interrupted, Timeout) }

// Alive are the states of a job that has not ended.
func Alive() []string { return []string{Starting, Running} }

// Rank is how a rank is, as it said last.
type Rank struct {
	Rank   int             `json:"rank"` // below 0: the source and sink, which is no rank
	Member uint32          `json:"member"`
	Host   string          `json:"host"`
	Heard  time.Time       `json:"heard"`
	Result json.RawMessage `json:"result"` // what it would report if it ended now: a ranks.Result or a folder.Result
}

// Pictures is how many pictures of a job on many have ended.
type Pictures struct {
	Done    int  `json:"done"`
	Failed  int  `json:"failed"`
	Resumed int  `json:"resumed"`
	All     int  `json:"all"`      // as far as is known
	Listed  bool `json:"complete"` // all are known
}

// End is how a job ended.
type End struct {
	Time       time.Time       `json:"time"`
	State      string          `json:"state"`
	ExitStatus int             `json:"exit_status"`
	Error      string          `json:"error"`
	Report     json.RawMessage `json:"report"` // as --report writes it
}

// Status is how a job is at a time.
type Status struct {
	Job
	Time       time.Time       `json:"time"`
	State      string          `json:"state"`
	Committing *time.Time      `json:"committing,omitempty"` // since when OUTPUT is put in place, and ranks, which have done their part, are not heard any more
	Picture    Picture         `json:"picture"`
	Pictures   *Pictures       `json:"pictures,omitempty"`
	Ranks      []Rank          `json:"ranks"` // the latest member of each, by rank
	Lost       []Rank          `json:"lost"`  // members before, as they were heard last
	Events     int             `json:"events"`
	Last       *launcher.Event `json:"last_event"`
	End        *End            `json:"end,omitempty"`
}

// Kinds of items.
const (
	Begins  = "begin"
	Known   = "known" // what INPUT is, and which job it is
	Happens = "event"
	Says    = "log"  // the launcher
	Prints  = "line" // a rank
	Ends    = "end"
)

// Item is something that has happened. Which of its parts are there depends on its kind.
type Item struct {
	Time    time.Time       `json:"time"`
	Kind    string          `json:"kind"`
	Job     *Job            `json:"job,omitempty"`
	Picture *Picture        `json:"picture,omitempty"` // of what is known
	Event   *launcher.Event `json:"event,omitempty"`
	Level   slog.Level      `json:"level"`
	Text    string          `json:"text,omitempty"`
	Rank    *int            `json:"rank,omitempty"`   // of a line
	Host    string          `json:"host,omitempty"`   // of a line
	Where   string          `json:"stream,omitempty"` // of a line: stdout or stderr
	End     *End            `json:"end,omitempty"`
}

// Board is what is known of one job. Its methods may be called by any goroutine.
type Board struct {
	mu       sync.Mutex
	status   Status
	ranks    map[int]Rank
	lost     map[uint32]Rank
	watchers map[*Subscription]bool
}

// NewBoard returns a board for a job that begins.
func NewBoard(j Job) *Board {
	return &Board{
		status: Status{Job: j, State: Starting}, ranks: make(map[int]Rank), lost: make(map[uint32]Rank), watchers: make(map[*Subscription]bool),
	}
}

// Describe takes over which job it is, what INPUT's header told, and the normalised operations.
func (b *Board) Describe(id string, p Picture, ops []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.State, b.status.ID, b.status.Picture, b.status.Ops = Running, id, p, slices.Clone(ops)
	job := b.status.Job
	b.tell(Item{Time: time.Now(), Kind: Known, Job: &job, Picture: &p})
}

// Progress takes over what a rank says of itself.
func (b *Board) Progress(rank int, member uint32, host string, result []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, ok := b.ranks[rank]
	if ok && before.Member > member {
		return
	}
	if ok && before.Member != member {
		b.lost[before.Member] = before
	}
	b.ranks[rank] = Rank{rank, member, host, time.Now(), slices.Clone(result)}
}

// Commit takes note that OUTPUT is about to be put in place.
func (b *Board) Commit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.status.Committing = &now
}

// CountPictures takes over how many pictures have ended.
func (b *Board) CountPictures(p Pictures) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Pictures = &p
}

// Event takes over what befell a rank.
func (b *Board) Event(e launcher.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Events++
	b.status.Last = &e
	b.tell(Item{Time: e.Time, Kind: Happens, Event: &e})
}

// Log takes over a message to the user.
func (b *Board) Log(level slog.Level, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tell(Item{Time: time.Now(), Kind: Says, Level: level, Text: text})
}

// Line takes over a line that a rank printed.
func (b *Board) Line(rank int, host, stream, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tell(Item{Time: time.Now(), Kind: Prints, Rank: &rank, Host: host, Where: stream, Text: text})
}

// Finish takes over how the job ended.
func (b *Board) Finish(e End) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.State, b.status.End = e.State, &e
	b.tell(Item{Time: e.Time, Kind: Ends, End: &e})
}

// Snapshot returns how the job is now.
func (b *Board) Snapshot() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Time = time.Now()
	s.Ranks, s.Lost = []Rank{}, []Rank{}
	for _, n := range slices.Sorted(maps.Keys(b.ranks)) {
		s.Ranks = append(s.Ranks, b.ranks[n])
	}
	for _, n := range slices.Sorted(maps.Keys(b.lost)) {
		s.Lost = append(s.Lost, b.lost[n])
	}
	return s
}

// Subscription gets what happens.
type Subscription struct {
	Items   <-chan Item // closed by Close
	items   chan Item   // with room for one more than size: the end
	size    int
	board   *Board
	dropped int64
}

// Subscribe returns a queue of so many items, of which the first is the job's beginning, with what is known of it by now. The job's end has
// room besides.
func (b *Board) Subscribe(size int) *Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	size = max(1, size)
	items := make(chan Item, size+1)
	s := &Subscription{Items: items, items: items, size: size, board: b}
	b.watchers[s] = true
	job := b.status.Job
	items <- Item{Time: job.Began, Kind: Begins, Job: &job}
	return s
}

// tell queues an item for all who want it. The lock is held.
func (b *Board) tell(i Item) {
	for s := range b.watchers {
		if i.Kind != Ends && len(s.items) >= s.size { // nobody else can fill it meanwhile
			s.dropped++
			continue
		}
		select {
		case s.items <- i:
		default:
			s.dropped++
		}
	}
}

// Dropped returns how many items had no room.
func (s *Subscription) Dropped() int64 {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.dropped
}

// Close ends the subscription. What is queued can still be read.
func (s *Subscription) Close() {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if s.board.watchers[s] {
		delete(s.board.watchers, s)
		close(s.items)
	}
}
