package folder

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"halorun/ranks/journal"
)

// Earlier is what earlier attempts at a job have recorded of its pictures: the latest of each.
type Earlier map[Source]*Record

// Source is what a picture is made of: the path of an input, and the page of it.
type Source struct {
	In   string
	Page int
}

// Of returns what is recorded of a picture, or nil.
func (all Earlier) Of(e *Entry) *Record { return all[Source{e.In, e.Page}] }

// Boot names this boot of this machine.
func Boot() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// ReadEarlier reads a journal. If the machine has gone down since, only that counts which was on the disk before.
func ReadEarlier(f io.ReaderAt, id journal.ID, boot string) (Earlier, error) {
	all := make(Earlier)
	then := "" // the boot of the attempt
	// What is not known to be on the disk, with where it stands.
	type doubtful struct {
		*Record
		at int64
	}
	var open []doubtful
	r := journal.NewReader(f, id)
	for {
		at := r.At()
		one, err := Next(r)
		if err != nil {
			return nil, err
		}
		switch {
		case one == nil:
			return all, nil
		case one.Attempt != "":
			then, open = one.Boot, nil
		case one.Synced:
			for _, o := range open {
				if o.at < one.Bytes {
					all[Source{o.In, o.Page}] = o.Record
				}
			}
		case !one.ends():
		case one.Durable || one.State == Failed || then == boot && boot != "":
			all[Source{one.In, one.Page}] = one
		default:
			open = append(open, doubtful{one, at})
		}
	}
}

// Counts tells whether what is recorded of a picture makes it needless to do it again: it is as it was, and either its output is there, or it
// can come to nothing.
func (r *Record) Counts(e *Entry, output string) bool {
	if r == nil || r.In != e.In || r.Page != e.Page || r.Out != e.Out || r.Size != e.Size || r.ModTime != e.ModTime || r.State == Failed && r.Kind != BadData {
		return false
	}
	if r.State == Done {
		st, err := os.Stat(filepath.Join(output, filepath.FromSlash(r.Out)))
		if err != nil || !st.Mode().IsRegular() || st.Size() != r.Bytes {
			return false
		}
	}
	f, _, err := openFile(e.In)
	if err != nil {
		return false
	}
	defer f.Close()
	sample, err := Sample(f)
	return err == nil && bytes.Equal(sample, r.Sample)
}

// Begin appends to a journal that an attempt begins.
func Begin(log *journal.Log, attempt, boot string) error {
	b, err := json.Marshal(Record{Attempt: attempt, Boot: boot})
	if err != nil {
		return err
	}
	return log.Append(b)
}
