package control

// Message is a pointer to one of the types below.
type Message interface{ kind() byte }

// Hello is an agent's first message: it runs, and speaks this version of the protocol.
type Hello struct{}

// Start tells an agent which ranks to start.
type Start struct {
	Job     string     `json:"job"`
	Epoch   uint32     `json:"epoch"`
	Hosts   []string   `json:"hosts"` // of all ranks of the epoch, by rank
	Ranks   []Assigned `json:"ranks"` // that are this agent's to start
	Threads int        `json:"threads"`
	Key     []byte     `json:"key"`
	Spec    []byte     `json:"spec"`   // what the job is; only the ranks understand it
	Args    []string   `json:"args"`   // of a rank process, after the program's name
	Files   int        `json:"files"`  // open files that the agent got, from descriptor 3 on, for its ranks
	Remove  []string   `json:"remove"` // temporary files to remove if the launcher is gone
}

// Assigned is a rank with the member that is to be it.
type Assigned struct {
	Rank   int    `json:"rank"`
	Member uint32 `json:"member"`
}

// Started says that a member's process runs.
type Started struct {
	Member uint32 `json:"member"`
	PID    int    `json:"pid"`
}

// Welcome tells a rank process who it is.
type Welcome struct {
	Job     string   `json:"job"`
	Epoch   uint32   `json:"epoch"`
	Rank    int      `json:"rank"`
	Member  uint32   `json:"member"`
	Hosts   []string `json:"hosts"` // by rank
	Threads int      `json:"threads"`
	Key     []byte   `json:"key"`
	Spec    []byte   `json:"spec"`
}

// Attached says that a member's process has begun to speak. Here and below the agent fills in the member.
type Attached struct {
	Member uint32 `json:"member"`
}

// Fence says that a member has come to the fence, and what it has put since the last one.
type Fence struct {
	Member uint32            `json:"member"`
	Values map[string][]byte `json:"values"`
}

// Table is all that the members put before a fence.
type Table struct {
	Values map[string][]byte `json:"values"`
}

// Line is a line that a member printed, or a piece of a long one, without the newline.
type Line struct {
	Member uint32 `json:"member"`
	Stream string `json:"stream"` // stdout or stderr
	Text   []byte `json:"text"`   // not always UTF-8, so no JSON string
}

// Finished is a member's last message: how its part went.
type Finished struct {
	Member      uint32 `json:"member"`
	Status      int    `json:"status"` // 0, or the exit status that the job should have
	Message     string `json:"message"`
	Consequence bool   `json:"consequence"` // the error only reflects another rank's failure
	Result      []byte `json:"result"`
	MaxRSSBytes int64  `json:"max_rss_bytes"`
}

// Exited says that a member's process has ended and all that it printed was sent, or, if Error is set, that it could not
// be started.
type Exited struct {
	Member      uint32 `json:"member"`
	Status      int    `json:"status"`
	Signal      int    `json:"signal"` // 0 if it exited by itself
	MaxRSSBytes int64  `json:"max_rss_bytes"`
	Error       string `json:"error"`
}

// Stop tells a rank to end, and an agent to end its ranks and itself.
type Stop struct{}

// made makes an empty message by its kind.
var made = [...]func() Message{
	1:  func() Message { return new(Hello) },
	2:  func() Message { return new(Start) },
	3:  func() Message { return new(Started) },
	4:  func() Message { return new(Welcome) },
	5:  func() Message { return new(Attached) },
	6:  func() Message { return new(Fence) },
	7:  func() Message { return new(Table) },
	8:  func() Message { return new(Line) },
	9:  func() Message { return new(Finished) },
	10: func() Message { return new(Exited) },
	11: func() Message { return new(Stop) },
}

func (*Hello) kind() byte    { return 1 }
func (*Start) kind() byte    { return 2 }
func (*Started) kind() byte  { return 3 }
func (*Welcome) kind() byte  { return 4 }
func (*Attached) kind() byte { return 5 }
func (*Fence) kind() byte    { return 6 }
func (*Table) kind() byte    { return 7 }
func (*Line) kind() byte     { return 8 }
func (*Finished) kind() byte { return 9 }
func (*Exited) kind() byte   { return 10 }
func (*Stop) kind() byte     { return 11 }
