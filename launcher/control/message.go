package control

// Message is a pointer to one of the types below.
type Message interface{ kind() byte }

// Hello is an agent's first message: it runs, and speaks this version of the protocol.
type Hello struct {
	Machine Machine `json:"machine"`
}

// Machine is what an agent tells of its host.
type Machine struct {
	ID      string `json:"id"`      // equal for agents that share a network stack, whatever their hosts are called
	Name    string `json:"name"`    // its hostname
	Arch    string `json:"arch"`    // GOARCH of the agent
	Version string `json:"version"` // of the agent
}

// Ping asks an agent, or a rank, for a Pong, and says that the launcher, or the agent, is alive.
type Ping struct {
	// Timeout says, in ns, after how long a silence it shall be taken for dead; 0 is never.
	Timeout int64 `json:"timeout"`
	// Ranks says, in ns, after how long a silence the agent shall take a rank for hung; 0 is never.
	Ranks int64 `json:"ranks"`
	// Sum asks for the checksum of the agent's program in the Pong.
	Sum bool `json:"sum"`
}

// Pong is an agent's answer to a Ping.
type Pong struct {
	Clock int64  `json:"clock"` // of the host, in ns since 1970
	Sum   string `json:"sum"`   // SHA-256 of the agent's program, in hex, if the Ping asked for it
}

// Start tells an agent who makes up an epoch. Of its own members it starts those that do not run yet, makes the others known to their
// new numbers, and ends those that are none any more.
type Start struct {
	Job     string     `json:"job"`
	Epoch   uint32     `json:"epoch"`
	Hosts   []string   `json:"hosts"`  // of all members of the epoch, by number
	Size    int        `json:"size"`   // how many of them, the first ones, are ranks that compute
	Head    int        `json:"head"`   // the member that reads INPUT and writes OUTPUT
	Ranks   []Assigned `json:"ranks"`  // that are this agent's
	Shrink  int        `json:"shrink"` // how often to halve a tile's height, for lack of memory
	Threads int        `json:"threads"`
	Key     []byte     `json:"key"`
	Spec    []byte     `json:"spec"`   // what the job is; only the ranks understand it
	Args    []string   `json:"args"`   // of a rank process, after the program's name
	Files   int        `json:"files"`  // open files that the agent got, from descriptor 3 on, for its ranks
	Remove  []string   `json:"remove"` // temporary files to remove if the launcher is gone
	Keep    string     `json:"keep"`   // unless there is this file, so that the job can be resumed
	Env     []string   `json:"env"`    // NAME=VALUE for the ranks, besides the agent's own environment
	Dir     string     `json:"dir"`    // working folder of the ranks; "" is the agent's
	Bind    bool       `json:"bind"`   // each rank to cores of its own
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
	CPUs   []int  `json:"cpus"` // that it is bound to, if it is
}

// Welcome tells a rank process who it is in an epoch, at first and whenever that changes.
type Welcome struct {
	Job     string   `json:"job"`
	Epoch   uint32   `json:"epoch"`
	Rank    int      `json:"rank"`
	Member  uint32   `json:"member"`
	Hosts   []string `json:"hosts"` // of all members, by number
	Size    int      `json:"size"`  // as in Start
	Head    int      `json:"head"`  // as in Start
	Files   int      `json:"files"` // as in Start
	Threads int      `json:"threads"`
	Key     []byte   `json:"key"`
	Spec    []byte   `json:"spec"`
	Shrink  int      `json:"shrink"` // as in Start
}

// Gone tells ranks that one of them is lost, so that the epoch has no future.
type Gone struct {
	Epoch uint32 `json:"epoch"`
	Rank  int    `json:"rank"`
	Why   string `json:"why"`
}

// Stuck says that a member cannot go on in an epoch without another rank.
type Stuck struct {
	Member  uint32 `json:"member"`
	Epoch   uint32 `json:"epoch"`
	Rank    int    `json:"rank"`   // the other
	Closed  bool   `json:"closed"` // it has closed the connection, and may have had its reasons
	Status  int    `json:"status"` // the exit status that the job should have, if it cannot be helped
	Message string `json:"message"`
}

// Progress is what a member's result would be if it ended now.
type Progress struct {
	Member uint32 `json:"member"`
	Result []byte `json:"result"`
}

// Release lets ranks end that have finished: all others have, too.
type Release struct{}

// Attached says that a member's process has begun to speak. Here and below the agent fills in the member.
type Attached struct {
	Member uint32 `json:"member"`
}

// Fence says that a member has come to the fence, and what it has put since the last one.
type Fence struct {
	Member uint32            `json:"member"`
	Epoch  uint32            `json:"epoch"`
	Values map[string][]byte `json:"values"`
}

// Table is all that the members put before a fence.
type Table struct {
	Epoch  uint32            `json:"epoch"`
	Values map[string][]byte `json:"values"`
}

// Line is a line that a member printed, or a piece of a long one, without the newline.
type Line struct {
	Member uint32 `json:"member"`
	Stream string `json:"stream"` // stdout or stderr
	Text   []byte `json:"text"`   // not always UTF-8, so no JSON string
}

// Finished says how a member's part of an epoch went, which may be the last.
type Finished struct {
	Member      uint32 `json:"member"`
	Epoch       uint32 `json:"epoch"`
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
	Memory      bool   `json:"memory"` // the kernel ended it, for lack of memory
	Hung        int64  `json:"hung"`   // the agent ended it, because it was silent for so many ns; 0 if not
	Error       string `json:"error"`
}

// Joined says that a member has met all others, so that its job is no longer starting.
type Joined struct {
	Member uint32 `json:"member"`
	Epoch  uint32 `json:"epoch"`
}

// Suspend tells that the job pauses. A rank answers when it is ready to be stopped, an agent when its ranks are.
type Suspend struct{}

// Suspended is the answer to Suspend.
type Suspended struct{}

// Resume ends what Suspend began.
type Resume struct{}

// Open tells an agent to start a program, which is the way to another host's agent. What else is said of it carries its ID.
type Open struct {
	ID   uint32   `json:"id"`
	Args []string `json:"args"` // with the program's name
}

// Input is for the stdin of a program; no bytes are its end.
type Input struct {
	ID   uint32 `json:"id"`
	Data []byte `json:"data"`
}

// Output is what a program printed.
type Output struct {
	ID     uint32 `json:"id"`
	Stream string `json:"stream"` // stdout or stderr
	Data   []byte `json:"data"`
}

// Kill ends a program.
type Kill struct {
	ID uint32 `json:"id"`
}

// Ended says that a program has ended and all that it printed was sent, or, if Error is set, that it could not be started.
type Ended struct {
	ID     uint32 `json:"id"`
	Status int    `json:"status"`
	Signal int    `json:"signal"`
	Error  string `json:"error"`
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
	12: func() Message { return new(Ping) },
	13: func() Message { return new(Pong) },
	14: func() Message { return new(Joined) },
	15: func() Message { return new(Suspend) },
	16: func() Message { return new(Suspended) },
	17: func() Message { return new(Resume) },
	18: func() Message { return new(Open) },
	19: func() Message { return new(Input) },
	20: func() Message { return new(Output) },
	21: func() Message { return new(Kill) },
	22: func() Message { return new(Ended) },
	23: func() Message { return new(Gone) },
	24: func() Message { return new(Stuck) },
	25: func() Message { return new(Progress) },
	26: func() Message { return new(Release) },
}

func (*Hello) kind() byte     { return 1 }
func (*Start) kind() byte     { return 2 }
func (*Started) kind() byte   { return 3 }
func (*Welcome) kind() byte   { return 4 }
func (*Attached) kind() byte  { return 5 }
func (*Fence) kind() byte     { return 6 }
func (*Table) kind() byte     { return 7 }
func (*Line) kind() byte      { return 8 }
func (*Finished) kind() byte  { return 9 }
func (*Exited) kind() byte    { return 10 }
func (*Stop) kind() byte      { return 11 }
func (*Ping) kind() byte      { return 12 }
func (*Pong) kind() byte      { return 13 }
func (*Joined) kind() byte    { return 14 }
func (*Suspend) kind() byte   { return 15 }
func (*Suspended) kind() byte { return 16 }
func (*Resume) kind() byte    { return 17 }
func (*Open) kind() byte      { return 18 }
func (*Input) kind() byte     { return 19 }
func (*Output) kind() byte    { return 20 }
func (*Kill) kind() byte      { return 21 }
func (*Ended) kind() byte     { return 22 }
func (*Gone) kind() byte      { return 23 }
func (*Stuck) kind() byte     { return 24 }
func (*Progress) kind() byte  { return 25 }
func (*Release) kind() byte   { return 26 }
