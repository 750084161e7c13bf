package history

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/drivertest"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/xoptions"
)

// mockMongo answers what the driver's own mock of a deployment is asked, out of documents in memory: Debian has no MongoDB server. It knows
// the commands that mongoStore uses, as the manual of MongoDB describes them, and nothing else.
type mockMongo struct {
	t    testing.TB
	mock *drivertest.MockDeployment

	mu    sync.Mutex
	docs  map[string][]bson.M // by collection
	fails string              // the command that does
}

func newMockMongo(t testing.TB) *mockMongo {
	return &mockMongo{t: t, mock: drivertest.NewMockDeployment(), docs: make(map[string][]bson.M)}
}

func (m *mockMongo) open(t testing.TB) Store {
	t.Helper()
	s, err := m.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (m *mockMongo) try(t testing.TB) (Store, error) {
	o := options.Client()
	if err := xoptions.SetInternalClientOptions(o, "deployment", m.mock); err != nil {
		t.Fatal(err)
	}
	// The mock plays back answers; what they are to be is known when the driver is about to ask.
	o.SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		m.mu.Lock()
		defer m.mu.Unlock()
		var command bson.M
		if err := bson.Unmarshal(e.Command, &command); err != nil {
			m.t.Error(err)
		}
		m.mock.AddResponses(m.answer(e.CommandName, command))
	}})
	return newMongo(context.Background(), o, "halorun")
}

func ok(more ...bson.E) bson.D { return append(bson.D{{Key: "ok", Value: 1}}, more...) }

func (m *mockMongo) answer(name string, c bson.M) bson.D {
	collection, _ := c[name].(string)
	docs := m.docs[collection]
	if name == m.fails {
		return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 13}, {Key: "errmsg", Value: "not authorized"}}
	}
	switch name {
	case "createIndexes", "endSessions":
		return ok()
	case "find":
		var found bson.A
		matching := m.matching(docs, c["filter"])
		if by, sorted := c["sort"]; sorted {
			slices.SortStableFunc(matching, func(a, b bson.M) int { return m.order(a, b, by.(bson.D)) })
		}
		if n, limited := c["limit"].(int64); limited {
			matching = matching[:min(len(matching), int(n))]
		}
		for _, d := range matching {
			copied := bson.M{}
			for k, v := range d {
				copied[k] = v
			}
			if p, some := c["projection"].(bson.D); some {
				for _, e := range p { // what is left out
					delete(copied, e.Key)
				}
			}
			found = append(found, copied)
		}
		if found == nil {
			found = bson.A{}
		}
		return ok(bson.E{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: "halorun." + collection}, {Key: "firstBatch", Value: found}}})
	case "distinct":
		values := bson.A{}
		for _, d := range m.matching(docs, c["query"]) {
			if v := d[c["key"].(string)]; !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		return ok(bson.E{Key: "values", Value: values})
	case "insert":
		var errs bson.A
		n := 0
		for i, d := range c["documents"].(bson.A) {
			if e := m.insert(collection, asM(d)); e != nil {
				errs = append(errs, append(e, bson.E{Key: "index", Value: int32(i)}))
			} else {
				n++
			}
		}
		return withErrors(ok(bson.E{Key: "n", Value: n}), errs)
	case "update":
		var errs bson.A
		n := 0
		for i, u := range c["updates"].(bson.A) {
			u := asM(u)
			set := asM(asM(u["u"])["$set"])
			found := m.matching(docs, u["q"])
			if multi, _ := u["multi"].(bool); !multi && len(found) > 1 {
				found = found[:1]
			}
			for _, d := range found {
				for k, v := range set {
					d[k] = v
				}
			}
			if n += len(found); len(found) > 0 || u["upsert"] != true {
				continue
			}
			made := bson.M{}
			for _, e := range u["q"].(bson.D) {
				if _, operators := e.Value.(bson.D); !operators {
					made[e.Key] = e.Value
				}
			}
			for k, v := range set {
				made[k] = v
			}
			if e := m.insert(collection, made); e != nil {
				errs = append(errs, append(e, bson.E{Key: "index", Value: int32(i)}))
			}
		}
		return withErrors(ok(bson.E{Key: "n", Value: n}), errs)
	case "delete":
		n := 0
		for _, one := range c["deletes"].(bson.A) {
			for _, d := range m.matching(docs, asM(one)["q"]) {
				i := slices.IndexFunc(m.docs[collection], func(x bson.M) bool { return x["_id"] == d["_id"] })
				m.docs[collection] = slices.Delete(m.docs[collection], i, i+1)
				n++
			}
		}
		return ok(bson.E{Key: "n", Value: n})
	}
	m.t.Errorf("the mock knows no command %s", name)
	return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: "unknown"}}
}

func withErrors(answer bson.D, errs bson.A) bson.D {
	if len(errs) > 0 {
		answer = append(answer, bson.E{Key: "writeErrors", Value: errs})
	}
	return answer
}

// insert adds a document, unless there is one of that name.
func (m *mockMongo) insert(collection string, d bson.M) bson.D {
	if slices.ContainsFunc(m.docs[collection], func(x bson.M) bool { return x["_id"] == d["_id"] }) {
		return bson.D{{Key: "code", Value: int32(11000)}, {Key: "errmsg", Value: "E11000 duplicate key"}}
	}
	m.docs[collection] = append(m.docs[collection], d)
	return nil
}

func asM(v any) bson.M {
	out := bson.M{}
	for _, e := range v.(bson.D) {
		out[e.Key] = e.Value
	}
	return out
}

func (m *mockMongo) matching(docs []bson.M, filter any) (found []bson.M) {
	for _, d := range docs {
		if m.matches(d, filter.(bson.D)) {
			found = append(found, d)
		}
	}
	return found
}

func (m *mockMongo) matches(d bson.M, filter bson.D) bool {
	for _, e := range filter {
		good := false
		switch {
		case e.Key == "$and":
			good = !slices.ContainsFunc(e.Value.(bson.A), func(f any) bool { return !m.matches(d, f.(bson.D)) })
		case e.Key == "$or":
			good = slices.ContainsFunc(e.Value.(bson.A), func(f any) bool { return m.matches(d, f.(bson.D)) })
		default:
			good = m.fits(d[e.Key], e.Value)
		}
		if !good {
			return false
		}
	}
	return true
}

func (m *mockMongo) fits(have, want any) bool {
	switch want := want.(type) {
	case bson.Regex:
		text, _ := have.(string)
		flags := ""
		if want.Options != "" {
			flags = "(?" + want.Options + ")"
		}
		return regexp.MustCompile(flags + want.Pattern).MatchString(text)
	case bson.D:
		for _, e := range want {
			good := false
			switch e.Key {
			case "$in":
				good = slices.Contains(e.Value.(bson.A), have)
			case "$nin":
				good = !slices.Contains(e.Value.(bson.A), have)
			case "$eq":
				good = have == e.Value
			case "$ne":
				good = have != e.Value
			case "$gt":
				good = compare(have, e.Value) > 0
			case "$gte":
				good = compare(have, e.Value) >= 0
			case "$lt":
				good = compare(have, e.Value) < 0
			case "$lte":
				good = compare(have, e.Value) <= 0
			default:
				m.t.Errorf("the mock knows no %s", e.Key)
			}
			if !good {
				return false
			}
		}
		return true
	}
	return have == want
}

func (m *mockMongo) order(a, b bson.M, by bson.D) int {
	for _, e := range by {
		if c := compare(a[e.Key], b[e.Key]) * int(reflect.ValueOf(e.Value).Int()); c != 0 {
			return c
		}
	}
	return 0
}

func compare(a, b any) int {
	if text, is := a.(string); is {
		return strings.Compare(text, b.(string))
	}
	x, y := reflect.ValueOf(a).Int(), reflect.ValueOf(b).Int()
	return int(min(1, max(-1, x-y)))
}

func TestMongo(t *testing.T) {
	m := newMockMongo(t)
	laws(t, m.open)
	m.open(t) // the schema is there already
	m.docs["halorun_schema"][0]["version"] = int32(7)
	if _, err := m.try(t); err == nil || !strings.Contains(err.Error(), "newer version of Halorun (schema 7") {
		t.Error(err)
	}
}

// What the server refuses is an error, whatever is asked of it.
func TestMongoRefuses(t *testing.T) {
	ctx := context.Background()
	m := newMockMongo(t)
	s := m.open(t)
	add := func() error { return s.Add(ctx, attempt("a", "a", 0, Killed), []Entry{{Seq: 1, Time: begin}}) }
	if err := add(); err != nil {
		t.Fatal(err)
	}
	find := func() error { _, err := s.Attempts(ctx, Query{}); return err }
	for _, c := range []struct {
		command string
		do      func() error
	}{
		{"insert", add}, {"update", add}, {"find", add}, {"find", find},
		{"distinct", func() error { _, err := s.Attempts(ctx, Query{Text: "x"}); return err }},
		{"find", func() error { _, err := s.Entries(ctx, "a", 0, 1); return err }},
		{"update", func() error { return s.Bury(ctx, begin, nil) }},
		{"distinct", func() error { return s.Remove(ctx, []string{"a"}) }},
		{"delete", func() error { return s.Remove(ctx, []string{"a"}) }},
		{"find", func() error { _, err := s.Size(ctx); return err }},
		{"find", func() error { _, err := m.try(t); return err }},
	} {
		m.fails = c.command
		if err := c.do(); err == nil || !strings.Contains(err.Error(), "not authorized") {
			t.Error(fmt.Errorf("%s: %w", c.command, err))
		}
		m.fails = ""
	}
}
