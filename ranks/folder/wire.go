package folder

import (
	"context"
	"encoding/json"
	"fmt"

	"halorun/comm"
)

// The streams of messages between a rank and the head. Package ranks uses low tags.
const (
	tagAsk     comm.Tag = 1<<30 + iota // to the head: what a rank asks and tells
	tagCommand                         // from the head: what follows when the lanes are done
	tagLanes                           // and from here on four for each lane
)

const (
	streamReply = iota // from the head: answers to the lane
	streamDown         // from the head: an input's bytes
	streamUp           // to the head: an output's bytes
	streams
)

func laneTag(lane, stream int) comm.Tag { return tagLanes + comm.Tag(lane*streams+stream) }

// What a rank asks and tells the head.
const (
	askNext  = "next"  // which picture comes next
	askProof = "proof" // what identity the input has
	askBytes = "bytes" // the input's bytes
	tellPut  = "put"   // the output's bytes follow
	tellEnd  = "end"   // how a picture ended
	tellHuge = "huge"  // how this rank's part of a large picture ended
	tellBye  = "bye"   // nothing more comes
)

type question struct {
	Kind   string  `json:"kind"`
	Lane   int     `json:"lane"`
	Entry  *Entry  `json:"entry,omitempty"`
	Record *Record `json:"record,omitempty"`
	Huge   verdict `json:"huge,omitzero"`
}

// assignment is the head's answer to askNext: a picture, or several small ones, or none, because there are no more.
type assignment struct {
	Entries []*Entry `json:"entries"`
}

// announcement is the head's answer to askBytes: so many bytes follow, or none.
type announcement struct {
	Size   int64  `json:"size"`
	Error  string `json:"error"`
	Kind   string `json:"kind"`
	Passes bool   `json:"passes"`
}

// verdict is how a rank's part of a large picture ended.
type verdict struct {
	Failed *Record `json:"failed,omitempty"` // nil: well
	Echo   bool    `json:"echo,omitempty"`   // it only reflects another rank's failure
	Fatal  bool    `json:"fatal,omitempty"`  // other outputs will not do any better
}

// command is what the head has all ranks do, once no lane has anything to do: a large picture, the end of one, or nothing more.
type command struct {
	Large *hugeJob `json:"large"`
	Over  bool     `json:"over"` // the large picture is done or given up
	Keep  bool     `json:"keep"` // it is done
}

// maxMessage bounds a message that is not part of a file. Paths have at most 4 KiB, and operations some MiB.
const maxMessage = 64 << 20

// pieceBytes is how much of a file goes in a message.
const pieceBytes = 1 << 20

func send(ctx context.Context, w *comm.World, to int, tag comm.Tag, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.Send(ctx, to, tag, b)
}

func recv(ctx context.Context, w *comm.World, from int, tag comm.Tag, v any) error {
	b, err := w.RecvBytes(ctx, from, tag, maxMessage)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("a message from rank %d: %w", from, err)
	}
	return nil
}
