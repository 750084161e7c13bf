package folder

import (
	"encoding/json"
	"os"
	"sync"

	"halorun/ranks/journal"
)

// Queue is the list of pictures on its way from the launcher to the head, whoever that is at the time: a file without a name that grows, and a
// pipe that says so.
type Queue struct {
	List *os.File // for the ranks to inherit
	Wake *os.File // too

	log   *journal.Log
	ring  *os.File
	once  sync.Once
	lists int
}

// NewQueue makes an empty queue, whose file is in dir.
func NewQueue(dir string, id journal.ID) (*Queue, error) {
	f, err := os.CreateTemp(dir, "halorun-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	q := &Queue{List: f}
	if q.log, err = journal.Open(f, id); err == nil {
		q.Wake, q.ring, err = os.Pipe()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return q, nil
}

// Add appends pictures to the list.
func (q *Queue) Add(entries ...*Entry) error {
	var records [][]byte
	for _, e := range entries {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		records = append(records, b)
	}
	if err := q.log.Append(records...); err != nil {
		return err
	}
	q.lists += len(entries)
	// Who is to read it may have ended. That is seen elsewhere; and the list tells the next one.
	_, _ = q.ring.Write([]byte{1})
	return nil
}

// Len returns how many pictures have been added.
func (q *Queue) Len() int { return q.lists }

// End tells that there are no more pictures.
func (q *Queue) End() (err error) {
	q.once.Do(func() {
		b, _ := json.Marshal(&Entry{End: true}) // never fails
		err = q.log.Append(b)
		q.ring.Close()
	})
	return err
}

// Close gives the queue up.
func (q *Queue) Close() {
	q.once.Do(func() { q.ring.Close() })
	q.Wake.Close()
	q.List.Close()
}
